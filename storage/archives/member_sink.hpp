#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace storage {

// Receives what an archive holds while it is read, in the archive's order. Whatever a call throws ends the
// reading.
class MemberSink {
 public:
  virtual ~MemberSink() = default;
  // Before the first member: at least so many bytes will come. Not called where the archive does not say it.
  virtual void expect(std::uint64_t bytes) = 0;
  // A file of exactly `size` bytes, which write() gets piece by piece until end().
  virtual void begin(const std::string& name, std::uint64_t size) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
  virtual void end() = 0;
  virtual void leave_out(const std::string& raw) = 0;  // clutter (clutter.hpp), by its raw name
  virtual void take(std::uint64_t bytes) = 0;          // so many more bytes of the archive are used up
};

}  // namespace storage
