#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "protocols/files/file_operation.hpp"

// The lines that a source sends. OpenSSH's scp.c is what there is of a specification.
namespace scp {

constexpr std::size_t longest_line = 2048;  // bytes; OpenSSH reads no more of an answer

// "C0644 SIZE NAME": a file follows.
struct FileRecord {
  std::uint32_t mode;
  std::uint64_t size;  // at most INT64_MAX
  std::string name;    // hostile
};
// "D0755 0 NAME": what follows lies in this folder.
struct DirectoryRecord {
  std::uint32_t mode;
  std::string name;  // hostile
};
// "E": the folder ends.
struct DirectoryEnd {};
using Record = std::variant<FileRecord, DirectoryRecord, DirectoryEnd, files::Times>;

// `line` without its newline. Errors are in OpenSSH's words ("size not delimited").
std::expected<Record, std::string_view> parse_record(std::string_view line);

// With their newline. A name must be visible() already.
std::string file_record(const storage::Attributes& attributes, std::string_view name);
std::string directory_record(const storage::Attributes& attributes, std::string_view name);
std::string times_record(const storage::Attributes& attributes);

// Control characters as OpenSSH's vis(3) writes them: \^J for a newline.
std::string visible(std::string_view name);

// What strerror(3) says in glibc, which clients show to people, and scripts look for.
std::string text_of(std::error_code error);

}  // namespace scp
