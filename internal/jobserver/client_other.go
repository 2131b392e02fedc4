// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

//go:build !unix

package jobserver

import "context"

// Client takes tokens from a jobserver. There is none on this system.
type Client struct{}

// Open finds no jobserver.
func Open(string) (*Client, error) { return nil, ErrNone }

// Kind is how the jobserver is reached.
func (c *Client) Kind() string { return "" }

// Acquire gives a token.
func (c *Client) Acquire(context.Context) (release func(), err error) { return func() {}, nil }

// Close does nothing.
func (c *Client) Close() {}
