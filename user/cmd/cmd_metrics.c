// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* smtpxdp metrics: the status in OpenMetrics text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "base/file.h"
#include "show/metrics.h"
#include "base/output.h"
#include "show/status.h"

static int write_out(const char *text, const char *path)
{
	struct file_edit f;
	int err;

	if (!path) {
		fputs(text, stdout);
		return 0;
	}
	err = file_edit_begin(&f, path);
	if (!err) {
		err = file_replace(&f, text);
		file_edit_end(&f);
	}
	if (err == -EINVAL)
		return fail("--output %s: not a regular file", path);
	return err ? fail("cannot write %s: %s", path, strerror(-err)) : 0;
}

static int print_metrics(const json_t *status, const char *path)
{
	json_t *families = metrics_of(status);
	char *text;
	int err = 0;

	if (!output_json(families)) {
		text = metrics_text(families);
		err = text ? write_out(text, path) : fail("out of memory");
		free(text);
	}
	json_decref(families);
	return err;
}

/* Nothing loaded is no error here: monitoring shows it as smtpxdp_up 0. */
static json_t *collect(const char *dir)
{
	struct pins p;
	json_t *doc;

	if (!pins_exist(dir))
		return status_unloaded(dir);
	if (pins_open(&p, dir))
		return NULL;
	doc = status_collect(&p, STATUS_PATIENCE_MSEC);
	if (!doc)
		fail("cannot read map daemon, or no memory");
	pins_close(&p);
	return doc;
}

static const struct cmd_option options[] = {
	{ 'o', true, "output", "FILE", false,
	  "into FILE, replaced as a whole, instead of standard output" },
	{}
};

static int metrics(const struct globals *g, int argc, char **argv)
{
	const char *path = NULL;
	json_t *status;
	int c, err;

	while ((c = cmd_option(g, argc, argv)) > 0)
		path = optarg;
	if (c < 0)
		return EXIT_USAGE;
	if (path && output.json)
		return usage("metrics: --output is for the text, not for "
			     "--json");
	status = collect(g->pin_dir);
	if (!status)
		return EXIT_FAILURE;
	err = print_metrics(status, path);
	json_decref(status);
	return err;
}

const struct cmd cmd_metrics = {
	.name = "metrics",
	.fn = metrics,
	.args = "",
	.help = "the same in OpenMetrics text, for Prometheus",
	.options = options,
};
