#pragma once

namespace storage {

// Built with AddressSanitizer, which needs more memory, files and system calls than the program itself.
#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

}  // namespace storage
