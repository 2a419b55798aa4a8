// A line of authorized_keys of any bytes: what is read of it stands in it, and its from= never opens more
// than its patterns do.
#include "conf/authorized_key.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "tests/fuzz/require.hpp"

using conf::KeyFault;
using fuzz::require;

namespace {

void check_key(std::string_view line, const conf::AuthorizedKey& key) {
  const auto text = key.type + " " + key.base64;
  const auto found = line.find(text);
  require(found != line.npos, "the key is the line's");
  require(found == 0 || line[found - 1] == ' ', "options end with a blank");
  require(found > 0 || key.from.empty(), "without options there is no from=");
  require(line.find_first_of("\r\n") == line.npos, "a key is one line");
  const auto again = conf::parse_authorized_key(text);
  require(again && again->base64 == key.base64 && again->from.empty(), "the key alone is a key");
}

void check_from(const conf::AuthorizedKey& key) {
  for (const auto* text : {"192.0.2.7", "10.0.0.1", "0.0.0.0"}) {
    const auto client = conf::parse_ipv4(text).value();
    const bool admitted = key.admits(client);
    if (key.from.empty()) require(admitted, "without from= it opens from everywhere");
    if (key.from.empty() || !admitted) continue;
    auto barred = key;
    barred.from += std::string(",!") + text;
    require(!barred.admits(client), "what ! stands before keeps out");
    barred.from = std::string("!") + text + "," + key.from;
    require(!barred.admits(client), "wherever it stands");
  }
  static_cast<void>(key.admits(conf::parse_ipv6("2001:db8::7").value()));
}

void check_fault(std::string_view line, const KeyFault& fault) {
  require(fault.what == KeyFault::What::unknown_option || fault.option.empty(),
          "only an unknown option has a name");
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  const auto found = std::search(line.begin(), line.end(), fault.option.begin(), fault.option.end(), same);
  require(fault.option.empty() || found != line.end(), "the option named is the line's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto key = conf::parse_authorized_key(line);
  if (!key) {
    check_fault(line, key.error());
    return 0;
  }
  check_key(line, *key);
  check_from(*key);
  return 0;
}
