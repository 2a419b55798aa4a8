#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "storage/root.hpp"

// What an SFTP or SCP session asks its driver to do in the file system, one operation at a time, and what the
// driver answers. `handle` is a small number that the session gives out; the driver keeps what is open under
// it.
namespace files {

struct Examine {
  storage::Path path;
  storage::Links links;
};
struct ExamineOpen {
  std::uint32_t handle;
};
struct OpenFile {
  std::uint32_t handle;
  storage::Path path;
};
struct OpenDirectory {
  std::uint32_t handle;
  storage::Path path;
};
struct ReadFile {
  std::uint32_t handle;
  std::uint64_t offset;
  std::span<std::byte> into;  // room in the session's output; valid until done()
};
struct ReadDirectory {
  std::uint32_t handle;
  std::size_t count;
};
struct CloseHandle {  // forgets it
  std::uint32_t handle;
};
using Operation =
    std::variant<Examine, ExamineOpen, OpenFile, OpenDirectory, ReadFile, ReadDirectory, CloseHandle>;

struct Done {};
// Attributes for Examine and ExamineOpen, bytes read for ReadFile, entries for ReadDirectory (none at the
// end), nothing for the rest; or why it failed.
using Answer =
    std::variant<Done, storage::Attributes, std::size_t, std::vector<storage::Entry>, std::error_code>;

}  // namespace files
