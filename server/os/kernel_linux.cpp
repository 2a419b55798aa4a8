#include "server/os/kernel.hpp"

#include <sys/stat.h>
#include <sys/timex.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace server {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::istringstream in(text);
  std::uint64_t number = 0;
  if (!(in >> number)) return {};
  return number;
}

}  // namespace

std::optional<std::uint64_t> kernel_setting(const std::string& name) {
  std::ifstream file("/proc/sys/" + name);
  std::uint64_t number = 0;
  if (!(file >> number)) return {};
  return number;
}

std::optional<conf::PortRange> local_ports() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  conf::PortRange range;
  if (!(file >> range.first >> range.last)) return {};
  return range;
}

// Two lines that begin with "Udp:", of names and of numbers.
std::optional<UdpCount> udp_count() {
  std::ifstream file("/proc/self/net/snmp");
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Udp: ")) continue;
    const auto words = words_of(line);
    if (names.empty()) {
      names = words;
      continue;
    }
    const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
      const auto at = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
      return at < words.size() ? number_in(words[at]) : std::nullopt;
    };
    const auto received = number("InDatagrams"), no_room = number("RcvbufErrors");
    if (!received || !no_room) return {};
    return UdpCount{*received, *no_room};
  }
  return {};
}

// "Max open files            1024                 524288               files"
std::optional<std::uint64_t> descriptors_of(std::uint32_t pid) {
  constexpr std::string_view head = "Max open files";
  std::ifstream file("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(head)) return number_in(line.substr(head.size()));
  return {};
}

std::optional<bool> is_clock_kept() {
  timex clock{};
  const int state = ::adjtimex(&clock);
  if (state < 0) return {};
  return state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}

bool has_legacy_rules() {
  for (const auto* name : {"/proc/self/net/ip_tables_names", "/proc/self/net/ip6_tables_names"}) {
    std::ifstream file(name);
    if (std::string table; file >> table) return true;
  }
  return false;
}

bool has_systemd() {
  struct stat status {};
  return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace server
