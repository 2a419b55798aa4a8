#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "server/http/message.hpp"

namespace server::http {

constexpr std::size_t piece_size = 256 << 10;

// Takes the body of one request, which may be large, in pieces: the next is read from the client once this
// one was taken. Lives on the loop, and as long as the request; where that breaks off, it goes without a
// word, and keeps what it has taken. A Reply ends it: nothing more is taken, and the rest of the body is
// lost.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // Before anything of the body is asked for; `size` where the client says it.
  virtual net::awaitable<std::optional<Reply>> begin(std::optional<std::uint64_t> size) = 0;
  // At most `piece_size` bytes, which stay where they are until it answers.
  virtual net::awaitable<std::optional<Reply>> take(std::span<const std::byte> piece) = 0;
  // The body has come as a whole.
  virtual net::awaitable<Reply> end() = 0;
};

}  // namespace server::http
