#pragma once
#include <span>
#include <string_view>

namespace storage {

// The other side of ReaderApart: a process that does nothing but read one archive. Descriptor 0 is the
// archive, descriptor 1 the pipe that the frames (reader_frame.hpp) go to; there is no other.

// The first argument that makes a program such a process. No user types it.
constexpr std::string_view read_archive_word = "read-archive";

// Gives up every right (confinement.hpp), reads the archive, says what it holds, and ends the process.
// `words`: what follows the word, JOB MAX_MEMBERS MAX_TOTAL MAX_RATIO. JOB is "format", or one of
// formats_to_unpack. Before any thread is started.
[[noreturn]] void read_archive(std::span<char* const> words);

}  // namespace storage
