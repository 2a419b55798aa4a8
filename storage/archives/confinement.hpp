#pragma once
#include <cstdint>

namespace storage {

// Leaves this process nothing but the descriptors that it has open (without stderr) and `memory` bytes of
// address space, for good: it opens no file and no socket, starts no process and no thread, looks at no other
// process, writes no file, leaves no core, and ends with the one that started it. A system call that reading
// an archive does not need kills it (SIGSYS); one that opens or examines a path is refused, because libraries
// ask for a time zone or a character set and go on without. Linux: seccomp, and Landlock where the kernel has
// it. Built with AddressSanitizer, which needs more of everything, it has no limits of memory and some
// harmless calls more. Windows: no privileges, integrity "untrusted", a job that bounds its memory and lets
// it start nothing, and no new code; the token that it was started with opens nothing (reader_token_windows).
//
// Before any thread is started. Throws std::system_error where the system refuses.
void confine_reader(std::uint64_t memory);

// What an administrator hears where it refuses: what is wrong, and the next step.
extern const char* const unconfined_advice;

}  // namespace storage
