#pragma once
#include <system_error>

#include "storage/files/file.hpp"

namespace storage {

// What a reader is told in place of a file's end when somebody wrote to the file since it was opened: what
// was read before may be of the old content and the rest of the new one. Equal to errc::io_error, for
// protocols that have no code of their own for it.
std::error_code file_changed_error();
bool is_file_changed(std::error_code error);

// Whether the bytes of an open file may be others than those `at_open`: it was written to, cut or enlarged.
// That it was replaced, deleted or given other rights changes no byte of it. Pure; any thread.
bool content_changed(const Attributes& at_open, const Attributes& now);

// The same of a file, as it is now. May wait for the disk: not for the loop.
Result<void> expect_unchanged(const File& file);

}  // namespace storage
