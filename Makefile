# `make run` shows the main job on a small example, `make test` runs every test and installs what they need.
# `make check` is the gate of every change; CI (.ci/run) runs `make test`, which contains it.

GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 20s
# the sources of testdata are as their cases need them, with CRLF for one
FORMATTED = gofmt -l $$(git ls-files -co --exclude-standard '*.go' ':!:testdata')

.PHONY: matrix oracle run test check install lint generated unit race main-job self bench generate fuzz

run: ## audit a small bad service, built on the spot; no registry, no daemon, no root
	@$(GO) run ./internal/demo

test: install check oracle main-job self ## everything; root

check: lint generated unit race ## formatted, vetted, generated, tested

install: ## the Debian packages that tests take, where missing
	internal/ci/install.sh

lint: ## gofmt, vet, staticcheck, a tidy go.mod
	@test -z "$$($(FORMATTED))" || { $(FORMATTED); echo 'gofmt: the files above are not formatted' >&2; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(GO) mod verify
	cd internal/oracle && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... && $(GO) mod tidy -diff

generated: ## the documentation is what the code says
	$(GO) test ./cmd/imgaudit -run TestDocs

unit: ## every Go test; those that start programs in other roots need root
	$(GO) test -timeout 30m ./...

matrix: ## every program of internal/matrix in every variant, real programs of Debian, and every cell of docs/accuracy.md; under an hour, root
	IMGAUDIT_MATRIX=all $(GO) test ./internal/matrix -timeout 60m -v
	IMGAUDIT_ACCURACY=all $(GO) test ./internal/accuracy -run TestAccuracy -parallel 4 -timeout 100m

oracle: ## what BuildKit itself says of every Dockerfile at hand, compared with ours; a module of its own
	cd internal/oracle && $(GO) test ./...

race: ## the tests that share memory, with the race detector
	$(GO) test -race -short ./pkg/... ./cmd/...

main-job: ## build, push, run and audit the real images of testdata/real; root
	internal/ci/main-job.sh

self: ## build imgaudit's own image and audit it; root
	internal/ci/self.sh

bench: ## size, CPU time and memory of the stripped binary, and how long a proof takes; root
	internal/ci/bench.sh
	internal/ci/bench-prove.sh

generate: ## rewrite what is made from the code
	$(GO) generate ./...

fuzz: ## every fuzz function for FUZZTIME
	internal/ci/fuzz.sh $(FUZZTIME)
