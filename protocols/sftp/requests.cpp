#include "protocols/sftp/requests.hpp"

#include <utility>

namespace sftp {
namespace {

// A client may fill its whole window (1.28 MB in libssh) before we answer; nobody has a reason to send more
// than this.
constexpr std::size_t most_input = 2 * 1024 * 1024 + longest_packet;

// Dropping answered requests moves those that wait. So it happens once the answered ones have at least so
// many bytes, and at least as many as the waiting ones.
constexpr std::size_t worth_moving = 32 * 1024;
// The buffer shrinks when it has room for more than twice its bytes and so many besides.
constexpr std::size_t spare_room = 64 * 1024;

// Grows the buffer by a quarter and not to the double: its whole memory counts against the connection.
void append(std::vector<std::byte>& to, Bytes bytes) {
  const auto needed = to.size() + bytes.size();
  if (needed > to.capacity()) to.reserve(needed + needed / 4);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

bool Requests::feed(Bytes bytes) {
  if (size() + bytes.size() > most_input) return false;
  append(busy_ ? later_ : input_, bytes);
  return true;
}

std::optional<Bytes> Requests::front() {
  const auto rest = Bytes(input_).subspan(parsed_);
  if (busy_ || malformed_ || rest.size() < 4) return {};
  const auto size = Reader(rest).u32();
  malformed_ = size == 0 || size > longest_packet;
  if (malformed_) return {};
  if (rest.size() - 4 < size) {
    make_room_for(size);
    return std::nullopt;
  }
  return rest.subspan(4, size);
}

void Requests::begin(Bytes front) {
  busy_ = true;
  parsed_ += 4 + front.size();
}

void Requests::done() {
  busy_ = false;
  compact();
  append(input_, later_);
  later_ = {};
}

// For the whole packet, and no more: a client may leave it at its first bytes for ever.
void Requests::make_room_for(std::uint32_t size) {
  drop_done();
  input_.reserve(4 + size);
}

// Not for every packet: a client may have sent thousands.
void Requests::compact() {
  const auto rest = input_.size() - parsed_;
  if (rest > 0 && (parsed_ < worth_moving || parsed_ < rest)) return;
  drop_done();
  if (input_.empty() || input_.capacity() > 2 * input_.size() + spare_room) input_.shrink_to_fit();
}

void Requests::drop_done() {
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(std::exchange(parsed_, 0)));
}

}  // namespace sftp
