/* A QEMU plugin that counts guest instructions: of each phase, from the instruction at `begin` to the
 * one at `end`, and of the whole run. Exact, and the same on every run.
 *
 *   -plugin icount.so,begin=0x1234,end=0x5678,report=FILE
 *   -plugin icount.so,cut=N
 *
 * FILE gets one line `phase N COUNT` for each phase and a last line `total COUNT`. With `cut` QEMU is
 * killed before the N-th instruction: nothing of it runs any more, and what it did to a medium
 * until then is all that there is. Where a machine has several cores, the first one counts: the
 * programs let the others sleep. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t executed, begun_at, begin_address, end_address, cut;
static unsigned int phases;
static FILE *report;

static void on_instruction(unsigned int cpu, void *unused) {
  if (cpu == 0 && ++executed == cut) raise(SIGKILL);
}

static void on_begin(unsigned int cpu, void *unused) { begun_at = executed; }

static void on_end(unsigned int cpu, void *unused) {
  fprintf(report, "phase %u %" PRIu64 "\n", phases++, executed - begun_at);
}

static void watch(struct qemu_plugin_insn *instruction, qemu_plugin_vcpu_udata_cb_t callback) {
  qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  size_t count = qemu_plugin_tb_n_insns(block);
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
    uint64_t address = qemu_plugin_insn_vaddr(instruction);
    watch(instruction, on_instruction);
    if (address == begin_address) watch(instruction, on_begin);
    if (address == end_address) watch(instruction, on_end);
  }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *unused) {
  if (!report) return;
  fprintf(report, "total %" PRIu64 "\n", executed);
  fclose(report);
}

/* The value of `name=value`, or nothing. */
static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  int matches = strncmp(argument, name, length) == 0 && argument[length] == '=';
  return matches ? argument + length + 1 : NULL;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv) {
  for (int i = 0; i < argc; i++) {
    const char *value;
    /* Bit 0 of a symbol says "Thumb"; it is no part of the address. */
    if ((value = value_of(argv[i], "begin"))) begin_address = strtoull(value, NULL, 0) & ~1ull;
    if ((value = value_of(argv[i], "end"))) end_address = strtoull(value, NULL, 0) & ~1ull;
    if ((value = value_of(argv[i], "cut"))) cut = strtoull(value, NULL, 0);
    if ((value = value_of(argv[i], "report"))) report = fopen(value, "w");
  }
  if (!cut && (!report || !begin_address || !end_address)) {
    fprintf(stderr, "icount: needs cut=, or begin=, end= and a report= that can be written\n");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
