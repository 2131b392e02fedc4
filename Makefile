# Go as installed; everything else is installed by `make toolchain`.
GO ?= go
BUILDFLAGS := -trimpath -buildvcs=auto
FUZZTIME ?= 30s

.PHONY: build toolchain demo test short lint bench fuzz clean

build: ## bin/dtlto, bin/dtlto-remote with the client for clusters, and bin/ld.dtlto, a link
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/ ./cmd/...
	ln -sf dtlto bin/ld.dtlto

toolchain: ## what the tests and the demo need beside Go: LLVM, build systems
	scripts/install-toolchain.sh

demo: build ## the main job on real programs, start to finish
	scripts/install-toolchain.sh demo
	$(GO) run ./demo

test: toolchain ## all tests, under the race detector
	$(GO) test -race -timeout 55m ./...

short: ## the tests that need no toolchain but what is there
	$(GO) test -short ./...

lint:
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod golangci-lint run

bench: toolchain build ## figures for docs/performance.md
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./bench/links

fuzz: ## each fuzz target for FUZZTIME
	scripts/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin build
