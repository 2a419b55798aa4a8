#pragma once
#include "server/files/finder.hpp"
#include "server/files/library.hpp"
#include "server/files/request_rate.hpp"
#include "server/http/joined_ranges.hpp"
#include "server/loop/net.hpp"
#include "server/loop/shares.hpp"
#include "storage/releases/recorded_digests.hpp"

namespace server {
class Events;
class LiveSettings;
class Running;
struct Lanes;
}  // namespace server

namespace server::http {

// What all connections that fetch images over HTTP have in common. They hold it; on the loop, but the library
// and the digests are for workers too.
struct ImageCommon {
  // TLS handshakes under way, and of one address: each costs a signature.
  static constexpr std::size_t most_handshakes = 64, most_handshakes_each = 8;
  // Lists of folders that are made at once: each may hold a thread that opens everybody's files for long.
  static constexpr std::size_t most_lists = 2, most_lists_each = 1;
  // Bytes of lists that nobody has read yet.
  static constexpr std::size_t most_unsent = 32 << 20, most_unsent_each = 8 << 20;

  net::io_context& loop;
  Lanes& lanes;
  Events& events;
  const LiveSettings& settings;
  Library& library;
  Running& running;
  Finder finder{lanes, library};
  storage::RecordedDigests digests{library.depot};
  RequestRate rate = {};
  JoinedRanges joined = {};
  Shares handshakes{most_handshakes, most_handshakes_each};
  Shares lists{most_lists, most_lists_each};
  Shares unsent{most_unsent, most_unsent_each};
};

}  // namespace server::http
