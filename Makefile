# Go as installed; everything else is installed by `make toolchain`.
GO ?= go
BUILDFLAGS := -trimpath -buildvcs=auto
FUZZTIME ?= 30s

GORELEASER ?= $(GO) run github.com/goreleaser/goreleaser/v2@v2.14.3

.PHONY: build toolchain demo test short lint bench fuzz cross deb release-check pictures clean

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

cross: ## the programs compile for the other systems of a release
	for t in linux/arm64 darwin/arm64 windows/amd64; do GOOS=$${t%/*} GOARCH=$${t#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/... || exit 1; done

deb: ## build/deb/dtlto_VERSION_ARCHITECTURE.deb
	GO='$(GO)' scripts/deb.sh

release-check: ## all of a release, published nowhere
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean

pictures: build ## docs/pictures, of real links
	scripts/pictures.sh

clean:
	rm -rf bin build
