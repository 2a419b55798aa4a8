#include "server/os/polite.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace server {
namespace {

// ioprio_set(2) has no wrapper, and older headers lack its numbers.
constexpr int of_a_thread = 1, class_shift = 13, idle_class = 3;

}  // namespace

void be_polite() {
  const auto thread = static_cast<id_t>(::gettid());
  // Both only ever give something up, so neither needs a right; where a sandbox forbids them we are merely
  // rude.
  ::syscall(SYS_ioprio_set, of_a_thread, static_cast<int>(thread), idle_class << class_shift);
  ::setpriority(PRIO_PROCESS, thread, PRIO_MAX - 1);
}

}  // namespace server
