// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/journal_read.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "tell/journal.h"
#include "tell/journal_socket.h"
#include "base/output.h"
#include "sys/daemon_user.h"

/* Messages about clients and bans; smtpxdp(8) documents their shape. */
static const enum message kinds[] = { MESSAGE_FAILURE,	 MESSAGE_BAN,
				      MESSAGE_WOULD_BAN, MESSAGE_UNBAN,
				      MESSAGE_EXPIRE,	 MESSAGE_CUT,
				      MESSAGE_WIDENED,	 MESSAGE_ACCOUNT,
				      MESSAGE_AS,	 MESSAGE_FLUSHED };

const char *journal_field(sd_journal *j, const char *name, char *buf,
			  size_t size)
{
	size_t len, skip = strlen(name) + 1;
	const void *data;

	*buf = '\0';
	if (!sd_journal_get_data(j, name, &data, &len) && len > skip)
		printable((const char *)data + skip, len - skip, buf, size);
	return buf;
}

static int match_kinds(sd_journal *j)
{
	char match[64];
	int err = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !err; i++) {
		snprintf(match, sizeof(match), "MESSAGE_ID=%s",
			 message_ids[kinds[i]]);
		err = sd_journal_add_match(j, match, 0);
	}
	return err;
}

/*
 * Any user may write to the journal and call it a ban: root and the daemon's
 * user are believed.
 */
static int match_writers(sd_journal *j)
{
	int err = sd_journal_add_match(j, "_UID=0", 0);
	char match[32];
	uid_t uid;
	gid_t gid;

	if (err < 0 || daemon_user(&uid, &gid))
		return err;
	snprintf(match, sizeof(match), "_UID=%u", uid);
	return sd_journal_add_match(j, match, 0);
}

int journal_open(sd_journal **j)
{
	int err;

	if (access(JOURNAL_SOCKET, F_OK))
		return fail("no journal runs here (no " JOURNAL_SOCKET
			    "): the daemon tells events on its stderr, with -j "
			    "as JSON");
	err = sd_journal_open(j, SD_JOURNAL_LOCAL_ONLY);
	if (err < 0)
		return fail("cannot open the journal: %s", strerror(-err));
	err = match_kinds(*j);
	if (err >= 0)
		err = match_writers(*j);
	if (err >= 0)
		return 0;
	sd_journal_close(*j);
	return fail("cannot read the journal: %s", strerror(-err));
}
