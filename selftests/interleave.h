/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs functions as if on several CPUs, in every order in which their steps
 * can follow each other: a step ends where the code calls interrupt().
 */
#ifndef SELFTESTS_INTERLEAVE_H
#define SELFTESTS_INTERLEAVE_H

#include <stdbool.h>
#include <ucontext.h>

#define CPUS_MAX 3
#define STEPS_MAX 512
#define STACK_SIZE 32768

struct interleave {
	unsigned int n_cpus;
	unsigned int preempts; /* of a CPU that could go on, at most */
	void (*start)(void *arg); /* before each order */
	void (*cpu)(void *arg, unsigned int n);
	void (*check)(void *arg, unsigned int order); /* after it */
	void *arg;
};

static struct {
	const struct interleave *what;
	ucontext_t scheduler;
	ucontext_t context[CPUS_MAX];
	bool done[CPUS_MAX];
	char stack[CPUS_MAX][STACK_SIZE];
	/* At each step: how many CPUs could have been next, and which was. */
	unsigned char options[STEPS_MAX], pick[STEPS_MAX];
} il;

static __thread int il_running = -1; /* the CPU; -1: no interleaving */

static inline void interrupt(void)
{
	if (il_running >= 0)
		swapcontext(&il.context[il_running], &il.scheduler);
}

static void il_cpu(unsigned int n)
{
	il.what->cpu(il.what->arg, n);
	il.done[n] = true;
}

static void il_start(void)
{
	il.what->start(il.what->arg);
	for (unsigned int i = 0; i < il.what->n_cpus; i++) {
		il.done[i] = false;
		getcontext(&il.context[i]);
		il.context[i].uc_stack.ss_sp = il.stack[i];
		il.context[i].uc_stack.ss_size = STACK_SIZE;
		il.context[i].uc_link = &il.scheduler;
		makecontext(&il.context[i], (void (*)(void))il_cpu, 1, i);
	}
}

/* Whose turn it can be; the one that ran last comes first. */
static unsigned int il_options(int last, unsigned int preempts, int *cpu)
{
	unsigned int n = 0;

	if (last >= 0 && !il.done[last]) {
		cpu[n++] = last;
		if (!preempts)
			return n;
	}
	for (int i = 0; i < (int)il.what->n_cpus; i++)
		if (i != last && !il.done[i])
			cpu[n++] = i;
	return n;
}

/* Follows the first `given` picks, then the first option. Returns the steps. */
static unsigned int il_run(unsigned int given)
{
	unsigned int step, preempts = il.what->preempts;
	int cpu[CPUS_MAX], last = -1;

	il_start();
	for (step = 0;; step++) {
		unsigned int n = il_options(last, preempts, cpu);

		if (!n)
			return step;
		assert_true(step < STEPS_MAX);
		if (step >= given)
			il.pick[step] = 0;
		il.options[step] = n;
		if (cpu[0] == last && il.pick[step])
			preempts--;
		last = cpu[il.pick[step]];
		il_running = last;
		swapcontext(&il.scheduler, &il.context[last]);
		il_running = -1;
	}
}

/* Returns the number of orders. */
static unsigned int interleave(const struct interleave *what)
{
	unsigned int step, orders = 0;

	il.what = what;
	for (step = 0;; il.pick[step++]++) {
		step = il_run(step);
		what->check(what->arg, ++orders);
		do {
			if (!step)
				return orders;
			step--;
		} while (il.pick[step] + 1 >= il.options[step]);
	}
}

#endif
