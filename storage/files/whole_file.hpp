#pragma once
#include <cstddef>
#include <functional>
#include <span>

namespace storage {

class File;

// Gives `hear` a file's bytes, one portion after the other, from its beginning to the end that it had when it
// was opened. A file that has more bytes by now, or fewer, is being written to:
// errc::resource_unavailable_try_again. So a sender who lets a file grow costs its reader no more time and
// space than the size that was examined. Throws std::system_error. May take seconds: for a worker.
void read_whole(const File& file, const std::function<void(std::span<const std::byte>)>& hear);

}  // namespace storage
