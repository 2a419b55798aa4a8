#pragma once
#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/download.hpp"

namespace bench {

// What to load a server with: so many clients at once, each downloading the file so many times.
struct Settings {
  sockaddr_in server{};
  std::string file;
  std::string reference;
  std::uint32_t clients = 1;
  std::uint32_t rounds = 1;
  Shape shape;
  double drop = 0;  // percent of the datagrams, in each direction
  std::uint32_t seed = 1;
  std::chrono::milliseconds ack_delay{0};
  std::chrono::seconds limit{60};
};

struct Totals {
  std::uint64_t bytes = 0, blocks = 0, unwanted = 0, resends = 0, failures = 0;
  double seconds = 0;
  std::vector<double> transfer_seconds;  // of those that succeeded
  std::string first_failure;
  Shape agreed;
};

// Runs all downloads in one thread until they end or the limit comes. Throws when the system refuses
// something.
Totals load(const Settings& settings);

}  // namespace bench
