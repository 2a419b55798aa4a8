#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace server {

class Event;

// What has happened since the start, counted from the events. No client, path or user is among the labels:
// the numbers stay as many as there are kinds of things. Bookkeeping alone; on the loop.
class Tally {
 public:
  using Labels = std::pair<std::string_view, std::string_view>;  // of two kinds, such as protocol and result
  using Counts = std::map<Labels, std::uint64_t>;
  using HttpCounts = std::map<std::pair<std::string_view, unsigned>, std::uint64_t>;  // by door and status

  // Seconds that a transfer took, up to each bound, and above the one before.
  static constexpr std::array<double, 6> durations{1, 5, 15, 60, 300, 1800};
  struct Histogram {
    std::array<std::uint64_t, durations.size() + 1> counts{};
    double sum = 0;
  };

  void count(const Event& event);

  Counts requests;                                // TFTP and SSH: protocol, result
  HttpCounts http_requests;                       // of the doors: "images", "page"
  Counts transfers;                               // protocol, result: whole, broke_off, partly
  Counts bytes;                                   // protocol, direction
  std::map<std::string_view, Histogram> seconds;  // by protocol
  Counts misses;                                  // protocol, cause
  Counts remaps;                                  // by rule, with an empty second label
  Counts logins;                                  // method, verdict
  Counts dropped;                                 // SSH connections by limit
  Counts controller_messages;                     // by kind
  Counts syslog_refused;                          // lines, by limit
  Counts imports;                                 // by result
  Counts warnings;                                // by kind
  std::uint64_t resent = 0;                       // TFTP packets
};

}  // namespace server
