// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package exec

import "context"

// Tokens are what programs that share a machine hand to each other: a compile that runs
// beside another of the same link has one.
type Tokens interface {
	// Acquire waits for a token. If ctx ends before there is one, it returns soon, with an error.
	Acquire(ctx context.Context) (release func(), err error)
}

// admission lets compiles start here. One needs no token: whoever started the link let it
// run. When that one ends, the next that waits takes its place rather than a token.
type admission struct {
	tokens Tokens        // nil if all may start
	own    chan struct{} // has something in it while no compile is the one without a token
	turn   chan struct{} // is full while somebody waits for its compile to be let in
	failed error         // why tokens are not asked for any more; of whoever has the turn
}

func newAdmission(tokens Tokens) *admission {
	a := &admission{tokens: tokens, own: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	a.own <- struct{}{}
	return a
}

// wait waits until a compile may start, or ctx ends: the error is then its cause. release
// must be called when the compile has ended. Of several who wait the first is let in first.
func (a *admission) wait(ctx context.Context) (release func(), err error) {
	if a.tokens == nil {
		return func() {}, nil
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-a.turn }()
	select {
	case <-a.own:
		return a.giveOwn, nil
	default:
	}
	return a.either(ctx)
}

func (a *admission) giveOwn() { a.own <- struct{}{} }

// either waits for a token and for the place that needs none. When tokens are not to be had
// any more, compiles go on one by one.
func (a *admission) either(ctx context.Context) (release func(), err error) {
	asking, stop := context.WithCancel(ctx)
	defer stop()
	answer := a.ask(asking)
	for {
		select {
		case got := <-answer:
			if got.err == nil {
				return got.release, nil
			}
			if ctx.Err() == nil {
				a.failed = got.err
			}
			answer = nil
		case <-a.own:
			release = a.giveOwn
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if release != nil || err != nil {
			stop()
			answer.giveBack()
			return release, err
		}
	}
}

// token is an answer of Tokens.
type token struct {
	release func()
	err     error
}

// answer is one that is waited for; nil if there will be none.
type answer chan token

func (a *admission) ask(ctx context.Context) answer {
	if a.failed != nil {
		return nil
	}
	answer := make(answer, 1)
	go func() {
		release, err := a.tokens.Acquire(ctx)
		answer <- token{release, err}
	}()
	return answer
}

// giveBack gives back the token that came too late, if it did.
func (a answer) giveBack() {
	if a == nil {
		return
	}
	if got := <-a; got.err == nil {
		got.release()
	}
}
