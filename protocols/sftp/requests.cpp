#include "protocols/sftp/requests.hpp"

#include <utility>

namespace sftp {
namespace {

// A client may fill its whole window (1.28 MB in libssh) before we answer; nobody has a reason to send more
// than this.
constexpr std::size_t most_input = 2 * 1024 * 1024 + longest_packet;

}  // namespace

bool Requests::feed(Bytes bytes) {
  if (size() + bytes.size() > most_input) return false;
  auto& into = busy_ ? later_ : input_;
  into.insert(into.end(), bytes.begin(), bytes.end());
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
  input_.insert(input_.end(), later_.begin(), later_.end());
  later_ = {};
}

// For the whole packet, and no more: a client may leave it at its first bytes for ever.
void Requests::make_room_for(std::uint32_t size) {
  drop_done();
  input_.reserve(4 + size);
}

// Not for every packet: a client may have sent thousands.
void Requests::compact() {
  if (parsed_ < input_.size() && parsed_ < longest_packet) return;
  drop_done();
  if (input_.empty()) input_.shrink_to_fit();
}

void Requests::drop_done() {
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(std::exchange(parsed_, 0)));
}

}  // namespace sftp
