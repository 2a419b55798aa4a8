#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

// SFTP version 3's encoding (draft-ietf-secsh-filexfer-02): numbers are big-endian; a string is its length
// and its bytes; a packet is its length, its type and the rest.
namespace sftp {

using Bytes = std::span<const std::byte>;

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

// SSH_FXF_*, the flags of OPEN.
namespace open_flag {
constexpr std::uint32_t read = 0x01, write = 0x02, append = 0x04, create = 0x08, truncate = 0x10,
                        exclusive = 0x20;
}

// SSH_FILEXFER_ATTR_*, the flags of ATTRS.
namespace attribute_flag {
constexpr std::uint32_t size = 0x1, uid_gid = 0x2, permissions = 0x4, times = 0x8, extended = 0x80000000;
}

// A cursor over one packet. After a short read ok() is false and every later read gives zero or nothing, so
// that a handler reads all it wants and asks once.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::string_view string() {
    const auto size = u32();
    if (!ok_ || size > rest_.size()) return fail(), std::string_view{};
    const auto bytes = rest_.first(size);
    rest_ = rest_.subspan(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool ok() const { return ok_; }

 private:
  std::uint64_t integer(std::size_t size) {
    if (!ok_ || rest_.size() < size) return fail(), 0;
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

// Packets on their way out. Room for a file's bytes is made without being cleared first, and stays where it
// is until the next byte is put in, so that a read may fill it while earlier packets are being taken out.
class Output {
 public:
  Bytes bytes() const { return {data_.get() + begin_, whole_ - begin_}; }  // of whole packets
  std::size_t size() const { return whole_ - begin_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = whole_ = end_ = 0;
  }
  void release() {  // an idle session keeps no buffer
    if (end_ == begin_) *this = Output{};
  }

  void begin_packet(Type type) {
    grow(4);  // the length, known at the end
    u8(static_cast<std::uint8_t>(type));
  }
  void end_packet() {
    put({data_.get() + whole_, 4}, end_ - whole_ - 4);
    whole_ = end_;
  }
  void drop_packet() { end_ = whole_; }

  void u8(std::uint8_t value) { grow(1)[0] = std::byte{value}; }
  void u32(std::uint32_t value) { put(grow(4), value); }
  void u64(std::uint64_t value) { put(grow(8), value); }
  void string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(grow(text.size()).data(), text.data(), text.size());
  }
  std::span<std::byte> grow(std::size_t count) {
    reserve(count);
    end_ += count;
    return {data_.get() + end_ - count, count};
  }
  void shrink(std::size_t count) { end_ -= count; }

  static void put(std::span<std::byte> out, std::uint64_t value) {
    for (auto i = out.size(); i > 0; --i, value >>= 8) out[i - 1] = static_cast<std::byte>(value & 0xff);
  }

 private:
  void reserve(std::size_t count) {
    if (end_ + count <= capacity_) return;
    const auto used = end_ - begin_;
    if (used + count <= capacity_ && used <= begin_) {
      std::memcpy(data_.get(), data_.get() + begin_, used);
    } else {
      const auto capacity = std::max({used + count, capacity_, std::size_t{4096}});
      auto fresh = std::make_unique_for_overwrite<std::byte[]>(capacity);
      if (used > 0) std::memcpy(fresh.get(), data_.get() + begin_, used);
      data_ = std::move(fresh);
      capacity_ = capacity;
    }
    whole_ -= begin_;
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, whole_ = 0, end_ = 0;
};

}  // namespace sftp
