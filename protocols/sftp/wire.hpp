#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "protocols/files/output_buffer.hpp"

// SFTP version 3's encoding (draft-ietf-secsh-filexfer-02): numbers are big-endian; a string is its length
// and its bytes; a packet is its length, its type and the rest.
namespace sftp {

using Bytes = std::span<const std::byte>;

// SSH_FXP_*: the first byte of each packet.
enum class Type : std::uint8_t {
  init = 1,
  version = 2,
  open = 3,
  close = 4,
  read = 5,
  write = 6,
  lstat = 7,
  fstat = 8,
  setstat = 9,
  fsetstat = 10,
  opendir = 11,
  readdir = 12,
  remove = 13,
  mkdir = 14,
  rmdir = 15,
  realpath = 16,
  stat = 17,
  rename = 18,
  readlink = 19,
  symlink = 20,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attrs = 105,
  extended = 200,
  extended_reply = 201,
};

// SSH_FX_*: how a request ended.
enum class Status : std::uint32_t {
  ok,
  eof,
  no_such_file,
  permission_denied,
  failure,
  bad_message,
  no_connection,
  connection_lost,
  op_unsupported,
};
std::string_view text_of(Status status);  // "No such file"
Status status_of(std::error_code error);  // as OpenSSH's errno_to_portable

// SSH_FXF_*, the flags of OPEN.
namespace open_flag {
constexpr std::uint32_t read = 0x01, write = 0x02, append = 0x04, create = 0x08, truncate = 0x10,
                        exclusive = 0x20;
}
std::string flags_text(std::uint32_t flags);  // "READ,CREATE"

// SSH_FILEXFER_ATTR_*, the flags of ATTRS.
namespace attribute_flag {
constexpr std::uint32_t size = 0x1, uid_gid = 0x2, permissions = 0x4, times = 0x8, extended = 0x80000000;
}

// Bytes of what a client may name; nobody remembers or logs a longer one.
constexpr std::size_t longest_name = 4096, longest_handle = 8;

// A cursor over one packet. After a short read, or a string that is too long, ok() is false and every later
// read gives zero or nothing, so that a handler reads all it wants and asks once.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::string_view string(std::size_t longest = SIZE_MAX) {
    const auto size = u32();
    if (!ok_ || size > rest_.size() || size > longest) {
      fail();
      return std::string_view{};
    }
    const auto bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string_view name() { return string(longest_name); }
  std::string_view handle() { return string().substr(0, longest_handle + 1); }  // so much is none of ours
  bool ok() const { return ok_; }

 private:
  std::uint64_t integer(std::size_t size) {
    if (!ok_ || rest_.size() < size) {
      fail();
      return 0;
    }
    std::uint64_t value = 0;
    for (const auto b : rest_.first(size)) value = value << 8 | std::to_integer<std::uint64_t>(b);
    rest_ = rest_.subspan(size);
    return value;
  }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  Bytes rest_;
  bool ok_ = true;
};

// Packets on their way out.
class Output : public protocols::OutputBuffer {
 public:
  void begin_packet(Type type) {
    grow(4);  // the length, known at the end
    u8(static_cast<std::uint8_t>(type));
  }
  void end_packet() {
    const auto packet = uncommitted();
    put(packet.first(4), packet.size() - 4);
    commit();
  }
  void drop_packet() { drop(); }

  void u8(std::uint8_t value) { grow(1)[0] = std::byte{value}; }
  void u32(std::uint32_t value) { put(grow(4), value); }
  void u64(std::uint64_t value) { put(grow(8), value); }
  void string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    append(text);
  }

  static void put(std::span<std::byte> out, std::uint64_t value) {
    for (auto i = out.size(); i > 0; --i, value >>= 8) out[i - 1] = static_cast<std::byte>(value & 0xff);
  }
};

}  // namespace sftp
