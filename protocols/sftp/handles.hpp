#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/sftp/wire.hpp"

namespace sftp {

// What a client has open, by the number that its handle stands for (draft-ietf-secsh-filexfer-02
// section 6.3).
struct Handle {
  enum class Use { free, directory, reading, writing };
  Use use = Use::free;
  std::uint32_t flags = 0;  // of OPEN
  std::string name;
  std::uint64_t read = 0, written = 0;
  std::uint64_t end = 0;  // of the file that is written

  bool readable() const { return use == Use::reading || (use == Use::writing && has(open_flag::read)); }
  bool writable() const { return use == Use::writing && has(open_flag::write); }
  // Where a write goes.
  std::uint64_t place(std::uint64_t offset) const { return has(open_flag::append) ? end : offset; }
  void wrote(std::uint64_t offset, std::uint64_t size);

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
};

// The handles that one session has given out, by the bytes that the client sends back.
class Handles {
 public:
  static constexpr std::size_t most = 1024, most_name_bytes = 256 << 10;
  using Wire = std::array<char, 4>;  // as the client has it

  // Nothing when there are too many, or their names, as the client spelled them, are too long together.
  std::optional<std::uint32_t> add(std::string_view name, Handle::Use use, std::uint32_t flags = 0);
  std::optional<std::uint32_t> find(std::string_view wire) const;
  Handle& operator[](std::uint32_t number) { return all_[number]; }
  void free(std::uint32_t number);
  // The one of the lowest number that is not free, from `number` on.
  std::optional<std::uint32_t> next(std::uint32_t number) const;
  bool none() const { return !next(0); }

  static Wire wire(std::uint32_t number);

 private:
  std::vector<Handle> all_;
  std::size_t name_bytes_ = 0;
};

}  // namespace sftp
