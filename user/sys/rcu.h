/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SMTPXDP_RCU_H
#define SMTPXDP_RCU_H

/*
 * Waits for an RCU grace period: programs that ran when it began have ended, and
 * see no more what has been replaced before. Where the kernel offers no way, it
 * tells the journal, and waits for longer than programs run.
 */
void rcu_wait(void);

#endif
