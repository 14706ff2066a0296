# The front door: CMake and Ninja do the work in build/. `make help` lists the commands.
.DEFAULT_GOAL := build
.SUFFIXES:
SHELL := /bin/bash
PREFIX ?= /usr/local
BUILD ?= build/release
CONFIGURE = cmake -S . -B $(BUILD) -G Ninja

## help: list these commands
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

## setup: install the packages that building and testing need, and only those that are missing (Debian, Ubuntu)
setup:
	@scripts/setup.sh build test

## build: compile the library, the tool and the examples into build/release
build:
	@scripts/setup.sh --check build
	$(CONFIGURE)
	cmake --build $(BUILD)

## demo: set up, build, train a network on handwritten digits in about a minute, and draw what it does
demo:
	@scripts/demo.sh

## test: set up, then run every test of the short set; the last line counts them
test:
	@scripts/test.sh

## test-long: the tests, and again with clang, with every sanitizer, and the long ones
test-long:
	@scripts/test.sh --long

## install: install into PREFIX (/usr/local), below DESTDIR if that is set
install:
	@scripts/setup.sh --check build
	$(CONFIGURE) -DCMAKE_INSTALL_PREFIX=$(abspath $(PREFIX))
	cmake --build $(BUILD)
	DESTDIR=$(DESTDIR) cmake --install $(BUILD)
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig || true; fi

## bench: time lsnn and its peers on the same work, in 45 minutes, into build/bench (`lsnn bench` alone takes a minute)
bench: build
	@scripts/setup.sh bench
	bench/run.sh --lsnn $(BUILD)/lsnn

## reproduce: train every network of the tables but speech's and the search's, for days, into runs/ (each goes on where it was stopped)
reproduce: build
	for table in digits store-recall smnist l2l navigation; do $(BUILD)/lsnn reproduce $$table || exit; done

## golden: compute the golden gradients again with the independent reference (needs Python with PyTorch and python_speech_features)
golden:
	python3 tests/reference/make_golden.py
	python3 tests/reference/make_dense_golden.py
	python3 tests/reference/make_speech_golden.py

## format: lay out every C file by .clang-format (clang-format 14)
format:
	@scripts/format.sh

## format-check: say which C files are not laid out so
format-check:
	@scripts/format.sh --check

## lint: check the rooms' order, the shell scripts, and the code with warnings as errors
lint:
	@scripts/lint.sh

## clean: remove everything that was built
clean:
	rm -rf build

.PHONY: help setup build demo test test-long install bench reproduce golden format format-check lint clean
