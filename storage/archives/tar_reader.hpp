#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/archives/packed_stream.hpp"
#include "storage/archives/tar_header.hpp"

namespace storage {

// Reads an archive in tar's format, front to back, by the bytes that stand in it: names come out as they are,
// not as a library would repair them. Knows ustar, GNU's long names and POSIX' extended headers.
//
// Throws Rejected for what is damaged or cut, what has no two blocks of zeros at its end or something behind
// them, and for every member but files and folders; std::system_error when the disk fails.
class TarReader {
 public:
  struct Member {
    std::string name;  // raw; a folder's ends in a slash
    std::uint64_t size = 0;
  };

  explicit TarReader(PackedStream& stream) : stream_(stream) {}
  // The next member; the current one's content must have been read. Nothing behind the last, and then the
  // stream was read to its very end.
  std::optional<Member> next();
  // Fills it whole but at the end of the current member's content; then 0.
  std::size_t read(std::span<std::byte> into);

 private:
  struct Extended {  // what stands before a header that has no room for it
    std::optional<std::string> name;
    std::optional<std::uint64_t> size;
  };

  std::optional<TarHeader> next_header();
  bool note(const TarHeader& header, Extended& extended);
  void take_records(std::string_view records, bool for_all, Extended& extended);
  Member member(const TarHeader& header, Extended extended);
  std::string text(std::uint64_t size);
  void skip_padding();
  void expect_end();

  PackedStream& stream_;
  std::uint64_t left_ = 0;   // of the current member's content
  std::size_t padding_ = 0;  // after it
  bool begun_ = false;
};

}  // namespace storage
