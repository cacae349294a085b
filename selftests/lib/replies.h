/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What real servers say, and what of it counts under the default codes. */
#ifndef SELFTESTS_REPLIES_H
#define SELFTESTS_REPLIES_H

#include <stddef.h>

/*
 * A stream, and the replies in it: code, then 'c' for counted, 'i' for
 * ignored, 't' for ignored because of a text, '+' for credit; "TLS".
 */
struct row {
	const char *stream;
	size_t len;
	const char *heard;
};

#define SAY(s) s, sizeof(s) - 1

/* A server's fault: the tests ignore it by a text, as the defaults do. */
#define POSTFIX_BACKEND                                                        \
	"535 5.7.8 Error: authentication failed: Authentication backend error"

/* As the servers' sources and manuals have them. */
static const struct row servers[] = {
	/* Postfix: smtpd_sasl_glue.c, smtpd_sasl_proto.c */
	{ SAY("535 5.7.8 Error: authentication failed: \r\n"), "535c" },
	{ SAY("535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6\r\n"),
	  "535c" },
	{ SAY("535 5.7.8 Error: authentication failed: authentication failure\r\n"),
	  "535c" },
	{ SAY("535 5.7.8 Error: authentication failed: (reason unavailable)\r\n"),
	  "535c" },
	{ SAY(POSTFIX_BACKEND "\r\n"), "535t" },
	{ SAY("454 4.7.0 Temporary authentication failure: \r\n"), "454i" },
	{ SAY("503 5.5.1 Error: authentication not enabled\r\n"), "503i" },
	{ SAY("504 5.5.4 Unrecognized authentication type\r\n"), "504i" },
	{ SAY("535 5.7.8 Error: authentication failed: Invalid authentication "
	      "mechanism\r\n"),
	  "535c" },
	{ SAY("530 5.7.0 Must issue a STARTTLS command first\r\n"), "530i" },
	{ SAY("538 5.7.11 Encryption required for requested authentication "
	      "mechanism\r\n"),
	  "538c" },
	{ SAY("421 4.7.0 mx.example Error: too many errors\r\n"), "421i" },
	{ SAY("450 4.7.1 Error: too much mail from 192.0.2.1\r\n"), "450i" },
	{ SAY("235 2.7.0 Authentication successful\r\n"), "235+" },
	{ SAY("334 UGFzc3dvcmQ6\r\n"), "334i" },
	{ SAY("220 mx.example ESMTP Postfix (Debian/GNU)\r\n"), "220i" },
	{ SAY("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 53500000\r\n"
	      "250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 CHUNKING\r\n"),
	  "250i" },
	{ SAY("221 2.0.0 Bye\r\n"), "221i" },
	/* Exim: src/smtp_in.c, auths/ */
	{ SAY("535 Incorrect authentication data\r\n"), "535c" },
	{ SAY("535 Incorrect authentication data (set_id=bob)\r\n"), "535c" },
	{ SAY("435 Unable to authenticate at present\r\n"), "435i" },
	{ SAY("503 AUTH command used when not advertised\r\n"), "503i" },
	{ SAY("504 FOO authentication mechanism not supported\r\n"), "504i" },
	{ SAY("235 Authentication succeeded\r\n"), "235+" },
	{ SAY("250-mx.example Hello swaks [192.0.2.1]\r\n250 HELP\r\n"),
	  "250i" },
	/* Dovecot's submission: submission-login/client-authenticate.c */
	{ SAY("535 5.7.8 Authentication failed.\r\n"), "535c" },
	{ SAY("535 5.7.0 Authentication failed.\r\n"), "535c" },
	{ SAY("454 4.7.0 Temporary authentication failure.\r\n"), "454i" },
	{ SAY("534 5.7.9 Authentication mechanism is too weak.\r\n"), "534i" },
	{ SAY("538 5.7.11 Plaintext authentication disallowed.\r\n"), "538c" },
	{ SAY("235 2.7.0 Logged in.\r\n"), "235+" },
	/* Sendmail: srvrsmtp.c */
	{ SAY("535 5.7.0 authentication failed\r\n"), "535c" },
	{ SAY("454 4.5.4 Internal error: unable to encode64\r\n"), "454i" },
	{ SAY("503 5.5.0 Already Authenticated\r\n"), "503i" },
	{ SAY("235 2.0.0 OK Authenticated\r\n"), "235+" },
	/* Exchange, qmail's patches, Gmail, OpenSMTPD, Cyrus, Courier */
	{ SAY("535 5.7.3 Authentication unsuccessful\r\n"), "535c" },
	{ SAY("235 2.7.0 Authentication successful target host "
	      "EX01.example\r\n"),
	  "235+" },
	{ SAY("535 authorization failed (#5.7.0)\r\n"), "535c" },
	{ SAY("535 auth failed (#5.7.1)\r\n"), "535c" },
	{ SAY("504 auth type unimplemented (#5.5.1)\r\n"), "504i" },
	{ SAY("535-5.7.8 Username and Password not accepted. For more "
	      "information, go to\r\n535 5.7.8  https://support.google.com/mail/"
	      "?p=BadCredentials a12-20020 - gsmtp\r\n"),
	  "535c" },
	{ SAY("534-5.7.9 Application-specific password required. Learn more at"
	      "\r\n534 5.7.9  https://support.google.com/ - gsmtp\r\n"),
	  "534i" },
	{ SAY("535 Authentication failed\r\n"), "535c" },
	{ SAY("535 5.7.8 Authentication credentials invalid\r\n"), "535c" },
	{ SAY("535 Authentication failed.\r\n"), "535c" },
	{ SAY("432 4.7.12 A password transition is needed\r\n"), "432i" },
};

#endif
