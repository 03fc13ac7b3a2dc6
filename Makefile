# Everything a change must pass is `make check` and, on a machine with root, `make test`, which CI runs (.ci/run).

GO ?= go

.PHONY: run check test vet bench generate main-job fuzz

run: ## a tour on a small bad example
	$(GO) run ./internal/demo

vet:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt: the files above are not formatted' >&2; exit 1; }
	$(GO) vet ./...

check: vet ## formatted, vetted, tested; needs neither root nor network
	$(GO) test ./...

test: check main-job ## check, and the real images (root, .ci/run installs what it takes)

main-job: ## build, run and audit the real images of testdata/real
	internal/ci/main-job.sh

bench: ## size and CPU time of the stripped binary
	internal/ci/bench.sh

generate: ## whatever is made from the code: documentation, schema
	$(GO) generate ./...

FUZZTIME ?= 20s
fuzz: ## every fuzz function for FUZZTIME
	internal/ci/fuzz.sh $(FUZZTIME)
