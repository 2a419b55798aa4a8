// A TFTP load generator: N strict clients in one process, every byte compared. Loopback only; it always ends
// by itself.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <stdexcept>
#include <string_view>

#include "tests/bench/load.hpp"

namespace bench {
namespace {

template <class Number = std::uint32_t>
Number number(std::string_view option, std::string_view text, Number least, Number most) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw std::runtime_error(fmt::format("{} takes {} to {}, not {}", option, least, most, text));
  }
  return value;
}

sockaddr_in loopback(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) throw std::runtime_error("--server takes ADDRESS:PORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(number("--server's port", text.substr(colon + 1), 1u, 65535u)));
  const std::string host(text.substr(0, colon));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 ||
      ntohl(address.sin_addr.s_addr) >> 24 != 127) {
    throw std::runtime_error("--server must be a loopback address, 127.x.x.x");
  }
  return address;
}

Settings parse(int argc, char** argv) {
  Settings s;
  const std::map<std::string_view, std::function<void(std::string_view, std::string_view)>> options{
      {"--server", [&](auto, auto v) { s.server = loopback(v); }},
      {"--file", [&](auto, auto v) { s.file = v; }},
      {"--reference", [&](auto, auto v) { s.reference = v; }},
      {"--clients", [&](auto o, auto v) { s.clients = number(o, v, 1u, 20000u); }},
      {"--rounds", [&](auto o, auto v) { s.rounds = number(o, v, 1u, 1000000u); }},
      {"--blksize", [&](auto o, auto v) { s.shape.block_size = number(o, v, 8u, 65464u); }},
      {"--windowsize", [&](auto o, auto v) { s.shape.window = number(o, v, 1u, 65535u); }},
      {"--drop", [&](auto o, auto v) { s.drop = number(o, v, 0.0, 100.0); }},
      {"--seed", [&](auto o, auto v) { s.seed = number(o, v, 0u, ~0u); }},
      {"--ack-delay",
       [&](auto o, auto v) { s.ack_delay = std::chrono::milliseconds(number(o, v, 0u, 60000u)); }},
      {"--limit", [&](auto o, auto v) { s.limit = std::chrono::seconds(number(o, v, 1u, 3600u)); }},
  };
  for (int i = 1; i < argc; i += 2) {
    const auto found = options.find(argv[i]);
    if (found == options.end()) throw std::runtime_error(fmt::format("unknown option {}", argv[i]));
    if (i + 1 == argc) throw std::runtime_error(fmt::format("{} needs a value", argv[i]));
    found->second(argv[i], argv[i + 1]);
  }
  if (s.server.sin_port == 0 || s.file.empty() || s.reference.empty()) {
    throw std::runtime_error("--server, --file and --reference are needed");
  }
  return s;
}

double at_rank(const std::vector<double>& sorted, double rank) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(rank * static_cast<double>(sorted.size() - 1) + 0.5)];
}

void print(const Totals& totals) {
  auto sorted = totals.transfer_seconds;
  std::sort(sorted.begin(), sorted.end());
  fmt::print(R"({{"bytes": {}, "seconds": {:.6f}, "mb_per_s": {:.3f}, "blocks": {}, "unwanted": {}, )"
             R"("resends": {}, "transfers": {}, "failures": {}, "blksize": {}, "windowsize": {}, )"
             R"("transfer_seconds": {{"min": {:.6f}, "median": {:.6f}, "p99": {:.6f}, "max": {:.6f}}}}})"
             "\n",
             totals.bytes, totals.seconds, static_cast<double>(totals.bytes) / 1e6 / totals.seconds,
             totals.blocks, totals.unwanted, totals.resends, sorted.size(), totals.failures,
             totals.agreed.block_size, totals.agreed.window, at_rank(sorted, 0), at_rank(sorted, 0.5),
             at_rank(sorted, 0.99), at_rank(sorted, 1));
  if (totals.failures > 0)
    fmt::print(stderr, "tftp_load: {} failed; first: {}\n", totals.failures, totals.first_failure);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    const auto settings = bench::parse(argc, argv);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const auto totals = bench::load(settings);
    bench::print(totals);
    return totals.failures == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "tftp_load: {}\n", e.what());
    return 2;
  }
}
