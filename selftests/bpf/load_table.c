// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What this machine's kernel says to an object, program by program: a line
 * "program<TAB>verdict<TAB>instructions<TAB>bytes of stack<TAB>microseconds"
 * each, where the verdict is ok or an errno's name; behind a refusal, the end
 * of the verifier's log in lines that begin with "| ".
 *
 * Each program is loaded for itself, with small maps, so that a refusal says
 * nothing about the others.
 */
#include <errno.h>

#include "lib/loads.h"

#define LOG_LINES 12
#define ENTRIES 1024 /* small maps are made quickly */

/* "376+48+24": the program's and those of all functions verified with it. */
static unsigned long stack(const char *log)
{
	const char *at = strstr(log, "stack depth ");
	unsigned long sum = 0;
	char *end;

	if (!at)
		return 0;
	end = (char *)at + strlen("stack depth ") - 1;
	do
		sum += strtoul(end + 1, &end, 10);
	while (*end == '+');
	return sum;
}

/* Without the statistics of each function, which kernels from 7.0 on add. */
static void print_end(char *log)
{
	const char *last[LOG_LINES] = {};
	unsigned int n = 0;

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		if (strncmp(line, "subprog ", 8))
			last[n++ % LOG_LINES] = line;
	for (unsigned int i = 0; i < LOG_LINES; i++)
		if (last[(n + i) % LOG_LINES])
			printf("| %s\n", last[(n + i) % LOG_LINES]);
}

/* A tracepoint that the kernel lacks: the daemon takes another program. */
static bool lacks_hook(const struct btf *vmlinux,
		       const struct bpf_program *prog)
{
	static const char tracepoint[] = "tp_btf/";
	const char *at = strstr(bpf_program__section_name(prog), tracepoint);
	char type[128];

	if (!at)
		return false;
	snprintf(type, sizeof(type), "btf_trace_%s", at + strlen(tracepoint));
	return btf__find_by_name_kind(vmlinux, type, BTF_KIND_TYPEDEF) <= 0;
}

static void shrink_maps(struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
		if (bpf_map__max_entries(map) > ENTRIES &&
		    bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF)
			bpf_map__set_max_entries(map, ENTRIES);
}

static void print_row(const struct bpf_program *prog, const char *verdict,
		      const char *log)
{
	printf("%s\t%s\t%lu\t%lu\t%lu\n", bpf_program__name(prog), verdict,
	       loads_insns(log), stack(log),
	       loads_number(log, "verification time "));
}

/* All at once, which is quicker: libbpf reads the kernel's BTF only once. */
static bool load_all(struct bpf_object *obj, const struct btf *vmlinux)
{
	char *logs = calloc(LOADS_PROGS_MAX, LOADS_LOG_SIZE);
	struct bpf_program *prog;
	bool ok = false;
	int n = 0;

	if (!logs)
		return false;
	shrink_maps(obj);
	bpf_object__for_each_program(prog, obj) {
		bpf_program__set_autoload(prog, !lacks_hook(vmlinux, prog));
		if (n < LOADS_PROGS_MAX)
			bpf_program__set_log_buf(prog,
						 logs + n++ * LOADS_LOG_SIZE,
						 LOADS_LOG_SIZE);
		bpf_program__set_log_level(prog, LOADS_STATS);
	}
	if (!bpf_object__load(obj)) {
		ok = true;
		n = 0;
		bpf_object__for_each_program(prog, obj)
			print_row(prog,
				  bpf_program__autoload(prog) ? "ok" :
								"no-such-hook",
				  n < LOADS_PROGS_MAX ?
					  logs + n++ * LOADS_LOG_SIZE :
					  "");
	}
	free(logs);
	return ok;
}

static bool load_one(struct bpf_object *obj, int index,
		     const struct btf *vmlinux, char *log)
{
	struct bpf_program *prog, *chosen = NULL;
	int i = 0, err;

	shrink_maps(obj);
	bpf_object__for_each_program(prog, obj) {
		bpf_program__set_autoload(prog, i == index);
		if (i++ == index)
			chosen = prog;
	}
	if (lacks_hook(vmlinux, chosen)) {
		print_row(chosen, "no-such-hook", "");
		return true;
	}
	*log = '\0';
	bpf_program__set_log_buf(chosen, log, LOADS_LOG_SIZE);
	bpf_program__set_log_level(chosen, LOADS_STATS);
	err = bpf_object__load(obj);
	print_row(chosen, err ? strerrorname_np(-err) : "ok", log);
	if (err)
		print_end(log);
	return !err;
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);

	if (obj)
		return obj;
	fprintf(stderr, "load_table: %s: %s\n", path, strerror(errno));
	exit(EXIT_FAILURE);
}

/* A refusal of one is to say nothing about the others. */
static bool load_each(const char *path, int programs, const struct btf *vmlinux)
{
	char *log = malloc(LOADS_LOG_SIZE);
	bool ok = log;

	for (int i = 0; log && i < programs; i++) {
		struct bpf_object *obj = open_object(path);

		ok &= load_one(obj, i, vmlinux, log);
		bpf_object__close(obj);
	}
	free(log);
	return ok;
}

static bool load(const char *path, const struct btf *vmlinux)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *prog;
	int programs = 0;
	bool ok;

	bpf_object__for_each_program(prog, obj)
		programs++;
	printf("# %s\n", path);
	ok = load_all(obj, vmlinux);
	bpf_object__close(obj);
	return ok || load_each(path, programs, vmlinux);
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	bool ok = vmlinux;

	if (!vmlinux)
		fprintf(stderr, "load_table: this kernel has no BTF\n");
	libbpf_set_print(silent);
	for (int i = 1; vmlinux && i < argc; i++)
		ok &= load(argv[i], vmlinux);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
