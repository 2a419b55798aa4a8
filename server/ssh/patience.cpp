#include "server/ssh/patience.hpp"

#include <fmt/format.h>

#include <utility>

namespace server {

std::optional<std::string> SshPatience::look(const Seen& seen, Clock::time_point now) {
  const bool first = !std::exchange(seen_, true);
  const bool sends = std::exchange(sent_, seen.sent) != seen.sent;
  const bool hears = std::exchange(packets_, seen.packets) != seen.packets;
  // What is sent counts too: a slow client may take an hour for what it has asked for.
  if (first || hears || sends) heard_at_ = now;
  // Nothing: it does not stand still.
  constexpr Clock::time_point nothing{};
  if (!seen.pending) sent_at_ = nothing;
  if (!seen.exchanging) whole_at_ = nothing;
  if (!seen.amid || hears) amid_at_ = nothing;
  if (seen.pending && (sends || sent_at_ == nothing)) sent_at_ = now;
  if (seen.exchanging && whole_at_ == nothing) whole_at_ = now;
  if (seen.amid && amid_at_ == nothing) amid_at_ = now;
  if (seen.pending && now - sent_at_ >= for_reading)
    return fmt::format("the client has read nothing for {} minutes", for_reading.count());
  if (!seen.logged_in) return {};
  if (seen.exchanging && now - whole_at_ >= for_an_exchange)
    return fmt::format("a key exchange has taken {} minutes", for_an_exchange.count());
  if (seen.amid && now - amid_at_ >= for_a_packet)
    return fmt::format("a packet has taken {} minutes", for_a_packet.count());
  if (now - heard_at_ >= for_a_word)
    return fmt::format("the client has sent nothing for {} minutes", for_a_word.count());
  return {};
}

}  // namespace server
