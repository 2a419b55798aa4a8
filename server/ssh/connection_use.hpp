#pragma once
#include <algorithm>
#include <expected>
#include <functional>
#include <string>

#include "server/files/held_bytes.hpp"
#include "server/files/open_files.hpp"
#include "server/loop/told_once.hpp"

namespace server {

// What one SSH connection, with all its channels, uses of what all share, and what the log was told of it.
// Made when its user first has something; its channels share it. Lives on the loop.
class ConnectionUse {
 public:
  // `end` is called when the connection has to end, because all together hold too much memory.
  ConnectionUse(const OpenFiles& files, const HeldBytes& bytes, const net::ip::address& address,
                const std::string& user, std::function<void()> end)
      : files_(files),
        address_(address),
        open_(files_, address, user),
        bytes_(bytes, address, std::move(end)) {}

  const net::ip::address& address() const { return address_; }

  std::expected<OpenFiles::Lease, OpenFiles::Bound> open(const OpenFiles::Wanted& what) const {
    return files_.take(open_, what);
  }

  // Requests without an answer, and answers that were not sent, of the connection and all its channels.
  void hold(std::size_t before, std::size_t now) { bytes_.change(before, now); }
  bool holds_enough() const { return bytes_.bytes() > share(); }  // more must not be read while it need not
  bool holds_too_much() const { return bytes_.bytes() > too_much; }  // nobody has a reason to
  // For more answers. Never nothing: who has sent much is rid of it only by being answered.
  std::size_t room() const {
    return holds_enough() ? least_room : std::max(least_room, share() - bytes_.bytes());
  }

  ToldOnce misses{1000}, unwritten{1000}, misnamed{100}, refused_opens{10};

 private:
  // The last is what ten channels take that have each a request of the longest kind coming in.
  static constexpr std::size_t enough = 1 << 20, enough_when_scarce = 64 << 10, too_much = 3 << 20;
  static constexpr std::size_t least_room = 16 << 10;
  std::size_t share() const { return bytes_.is_scarce() ? enough_when_scarce : enough; }

  const OpenFiles& files_;
  const net::ip::address address_;
  const OpenFiles::Connection open_;
  HeldBytes::Connection bytes_;
};

}  // namespace server
