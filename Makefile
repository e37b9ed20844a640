.DEFAULT_GOAL := help
.PHONY: help run build console shots test crash lint fuzz sim bench bench-short profile clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 13

run: build ## build, then serve a demonstration with its data in ./data
	bin/cota serve --demo

build: ## build bin/cota, with the console if Node is there
	@script/console || echo "console: not built"
	go build -trimpath -o bin/cota ./cmd/cota

console: ## build the web console
	script/console

shots: build ## take the pictures of the console in doc/images anew
	node internal/console/web/e2e/shots.mjs doc/images

test: ## run every test there is, with PostgreSQL, Node, a browser and mosquitto where they can be had
	script/test

crash: ## kill the server 200 times on each engine, take PostgreSQL away for 30 s (KILLS=200 OUTAGE=30s)
	script/test crash

lint: ## check format, go vet and staticcheck
	script/test lint

fuzz: ## fuzz every target for a short while (FUZZTIME=10s)
	script/fuzz

sim: ## simulate SEEDS=50 servers, replay one SEED, or plant BUGS=.
	@SEEDS="$(SEEDS)" SEED="$(SEED)" BUGS="$(BUGS)" FIRST="$(FIRST)" script/sim

bench: ## measure beside mosquitto, nginx and others, into bench/results (a quarter of an hour)
	script/bench

bench-short: ## measure less, in less than three minutes
	script/bench -short

profile: ## profile fan-outs, sign-ins and whole convergences, into bench/results/profile
	script/bench profile

clean: ## remove what was built, but never ./data
	rm -rf bin bench/bin e2e/node_modules internal/console/web/node_modules internal/console/dist/*
