#pragma once
#include <span>
#include <system_error>

#include "storage/files/file.hpp"

namespace storage {

// What the process that reads an archive (reader_process.hpp) was started with, on each system: the archive
// as its standard input, and as its standard output the pipe that its frames go to.

// The archive; names the process, too. Before it is confined: afterwards it may ask for no file's size.
Result<File> given_archive();

// Says both, one after the other. Ends the process where nobody listens any more.
void give_answer(std::span<const std::byte> head, std::span<const std::byte> bytes);

// The system's number for an error, as the process that listens understands it.
int number_of(const std::error_code& error);

// Nothing that a hostile archive left in memory is tidied up.
[[noreturn]] void end_reader(int status);

}  // namespace storage
