# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make help` lists the targets.

VERSION := 0.1.0
BUILD := build
# The programs for the kernel are the same, whatever user space is built with.
BPF_BUILD := $(BUILD)

# A line for each file that is made, but by make -s; V=1 shows the commands.
V ?= 0
ifneq ($(filter 1,$(V))$(findstring s,$(firstword -$(MAKEFLAGS))),)
say =
else
say = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$(2))';
endif

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
GENERATORDIR ?= $(UNITDIR)-generators
CLANG ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)
CC ?= cc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
INSTALL ?= install

# SAN=1: with sanitizers, below build/san. FUZZ=1: for libFuzzer, below
# build/fuzz; FUZZ=fast: comparisons are not traced, FUZZ=bare: no sanitizers
# either; FUZZ=cov: to see which lines a corpus reaches. See scripts/fuzz.
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(SAN),1)
BUILD := $(BPF_BUILD)/san
INSTRUMENT := $(SANITIZERS)
else ifeq ($(FUZZ),1)
BUILD := $(BPF_BUILD)/fuzz
CC := $(CLANG)
INSTRUMENT := $(SANITIZERS) -fsanitize=fuzzer-no-link
FUZZ_LINK := -fsanitize=fuzzer
else ifeq ($(FUZZ),fast)
BUILD := $(BPF_BUILD)/fuzz/fast
CC := $(CLANG)
INSTRUMENT := $(SANITIZERS) -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp
FUZZ_LINK := -fsanitize=fuzzer
else ifeq ($(FUZZ),bare)
BUILD := $(BPF_BUILD)/fuzz/bare
CC := $(CLANG)
INSTRUMENT := -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp
FUZZ_LINK := -fsanitize=fuzzer
else ifeq ($(FUZZ),cov)
BUILD := $(BPF_BUILD)/fuzz/cov
CC := $(CLANG)
INSTRUMENT := -fprofile-instr-generate -fcoverage-mapping
FUZZ_LINK := -fsanitize=fuzzer
endif

PACKAGES := libbpf libsystemd jansson libmnl libcurl libpcap libmicrohttpd sqlite3 libmaxminddb capstone
TEST_PACKAGES := cmocka libbpf

# clang's BPF target does not know where Debian keeps asm/types.h.
BPF_SYSINCLUDE ?= /usr/include/$(shell $(CC) -print-multiarch)
WARN := -Wall -Wextra -Werror -Wno-unused-parameter
# As bpf_tracing.h calls the architectures whose registers it knows.
ARCH ?= $(shell $(CC) -dumpmachine | sed 's/-.*//; s/x86_64/x86/; s/aarch64/arm64/; s/powerpc64le/powerpc/; s/s390x/s390/; s/riscv64/riscv/')
BPF_CFLAGS := -target bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v3 -O2 -g $(WARN) -Iinclude -Ibpf \
	-idirafter $(BPF_SYSINCLUDE)

USER_CFLAGS = -std=gnu11 $(WARN) -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -Iinclude -Ibpf -I$(BPF_BUILD) -Iuser $(INSTRUMENT) \
	$(shell $(PKG_CONFIG) --cflags $(PACKAGES))
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lresolv -ldl
TEST_CFLAGS = $(USER_CFLAGS) -Iselftests
TEST_LIBS = $(LIBS) $(shell $(PKG_CONFIG) --libs $(TEST_PACKAGES))

BPF_OBJ := $(patsubst bpf/%.bpf.c,$(BPF_BUILD)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
SKEL := $(BPF_BUILD)/smtpxdp.skel.h
USER_OBJ := $(patsubst user/%.c,$(BUILD)/user/%.o,$(wildcard user/*.c user/*/*.c))
LIB_OBJ := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))
ARCHIVE := $(BUILD)/libsmtpxdp.a
TESTS := $(patsubst selftests/%.c,$(BUILD)/selftests/%,$(wildcard selftests/*/test_*.c))
# What machines with other kernels are to say of an object: needs little.
LOAD_TABLE := $(BUILD)/selftests/bpf/load_table

FUZZERS := $(patsubst selftests/fuzz/%.c,$(BUILD)/%,$(wildcard selftests/fuzz/fuzz_*.c))

# What scripts/bench measures with.
BENCH := $(patsubst scripts/bench.d/tools/%.c,$(BUILD)/bench/%,\
	$(filter-out %.bpf.c,$(wildcard scripts/bench.d/tools/*.c))) $(BUILD)/bench/gates.bpf.o
BENCH_SKEL := $(patsubst scripts/bench.d/tools/%.bpf.c,$(BUILD)/bench/%.skel.h,\
	$(filter-out %/gates.bpf.c,$(wildcard scripts/bench.d/tools/*.bpf.c)))

all: $(BUILD)/smtpxdp $(if $(filter 1,$(SAN)),tests) ## build the binary, build/smtpxdp

$(BPF_BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,CLANG,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(BPF_BUILD)/smtpxdp.bpf.o: $(BPF_OBJ)
	$(call say,LINK,$@)$(BPFTOOL) gen object $@ $^

$(SKEL): $(BPF_BUILD)/smtpxdp.bpf.o
	$(call say,SKELETON,$@)$(BPFTOOL) gen skeleton $< name smtpxdp >$@.tmp && \
		mv $@.tmp $@

$(BUILD)/user/%.o: user/%.c $(SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -c $< -o $@

# All but main(): what the tests link, too.
$(ARCHIVE): $(LIB_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/smtpxdp: $(BUILD)/user/main.o $(ARCHIVE)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(INSTRUMENT) $(LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/selftests/%: selftests/%.c $(ARCHIVE) $(SKEL)
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(CFLAGS) $(TEST_CFLAGS) -MMD -MP $< $(ARCHIVE) $(TEST_LIBS) -pthread -o $@

$(LOAD_TABLE): selftests/bpf/load_table.c
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(CFLAGS) $(TEST_CFLAGS) -MMD -MP $< $(shell $(PKG_CONFIG) --libs libbpf) -o $@

$(BUILD)/fuzz_captures: FUZZ_LINK += -Wl,--wrap=calloc,--wrap=free
$(BUILD)/fuzz_%: selftests/fuzz/fuzz_%.c $(ARCHIVE)
	$(call say,FUZZER,$<)$(CC) $(CFLAGS) $(TEST_CFLAGS) $(FUZZ_LINK) -MMD -MP $< $(ARCHIVE) $(TEST_LIBS) -o $@

$(BUILD)/bench/%.bpf.o: scripts/bench.d/tools/%.bpf.c
	@mkdir -p $(@D)
	$(call say,CLANG,$<)$(CLANG) $(BPF_CFLAGS) -Iscripts/bench.d/tools -MMD -MP -c $< -o $@

$(BUILD)/bench/%.skel.h: $(BUILD)/bench/%.bpf.o
	$(call say,SKELETON,$@)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp && mv $@.tmp $@

$(BUILD)/bench/%: scripts/bench.d/tools/%.c $(BENCH_SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(USER_CFLAGS) -Iscripts/bench.d/tools -I$(@D) -MMD -MP $< $(LIBS) -o $@

tests: $(TESTS) $(LOAD_TABLE) ## build the C tests

# By clang, with all that they call: by one make of its own.
fuzz: ## build the fuzzers, build/fuzz/fuzz_*: see scripts/fuzz
	@$(MAKE) --no-print-directory FUZZ=$(or $(FUZZ),1) fuzzers

fuzzers: $(FUZZERS)

bench-programs: $(BENCH) $(BUILD)/selftests/bpf/test_budget

bench: ## measure it beside its peers (as root; installs them)
	scripts/bench

lint: $(ARCHIVE) ## directions of includes, circles of calls, format, scripts, manual
	@scripts/lint

check: lint ## run every test (as root; installs what it needs)
	scripts/test

demo: ## show the main job end to end (as root; the same)
	scripts/demo

install: all ## install below DESTDIR, PREFIX, SYSCONFDIR
	$(INSTALL) -D -m 755 $(BUILD)/smtpxdp $(DESTDIR)$(PREFIX)/sbin/smtpxdp
	$(INSTALL) -D -m 644 man/smtpxdp.8 $(DESTDIR)$(PREFIX)/share/man/man8/smtpxdp.8
	$(INSTALL) -D -m 644 man/smtpxdp.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/smtpxdp.conf.5
	$(INSTALL) -D -m 644 dist/completion/smtpxdp.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/smtpxdp
	$(INSTALL) -D -m 644 dist/completion/smtpxdp.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/smtpxdp.fish
	$(INSTALL) -D -m 644 dist/completion/_smtpxdp $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_smtpxdp
	$(INSTALL) -D -m 644 dist/prometheus/smtpxdp.rules.yml $(DESTDIR)$(PREFIX)/share/smtpxdp/smtpxdp.rules.yml
	$(INSTALL) -D -m 644 dist/grafana/smtpxdp.json $(DESTDIR)$(PREFIX)/share/smtpxdp/smtpxdp-grafana.json
	for p in dist/on-event/*; do \
		$(INSTALL) -D -m 755 $$p $(DESTDIR)$(PREFIX)/share/smtpxdp/on-event/$${p##*/} || exit; \
	done
	$(INSTALL) -D -m 644 dist/smtpxdp.catalog $(DESTDIR)/usr/lib/systemd/catalog/smtpxdp.catalog
	for u in smtpxdp smtpxdp-gate; do \
		$(INSTALL) -D -m 644 dist/$$u.service $(DESTDIR)$(UNITDIR)/$$u.service && \
		sed -i 's|/usr/sbin/|$(PREFIX)/sbin/|' $(DESTDIR)$(UNITDIR)/$$u.service || exit; \
	done
	$(INSTALL) -D -m 755 dist/smtpxdp-generator $(DESTDIR)$(GENERATORDIR)/smtpxdp-generator
	$(INSTALL) -D -m 644 dist/smtpxdp.sysusers $(DESTDIR)/usr/lib/sysusers.d/smtpxdp.conf
	$(INSTALL) -D -m 644 dist/fail2ban/action.d/smtpxdp.py $(DESTDIR)$(SYSCONFDIR)/fail2ban/action.d/smtpxdp.py
	test -e $(DESTDIR)$(SYSCONFDIR)/smtpxdp/smtpxdp.conf || \
		$(INSTALL) -D -m 644 dist/smtpxdp.conf $(DESTDIR)$(SYSCONFDIR)/smtpxdp/smtpxdp.conf
	test -n "$(DESTDIR)" || ! command -v journalctl >/dev/null || \
		journalctl --update-catalog
	test -n "$(DESTDIR)" || ! command -v systemd-sysusers >/dev/null || \
		systemd-sysusers smtpxdp.conf

clean: ## remove what was built; not build/vm, what scripts/vm downloaded
	test ! -d $(BUILD) || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name vm -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

.DELETE_ON_ERROR:
.SECONDARY: $(BENCH_SKEL) $(BENCH_SKEL:.skel.h=.bpf.o)
.PHONY: all tests fuzz fuzzers lint check demo bench bench-programs install clean help
-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BPF_BUILD)/bpf/*.d)
