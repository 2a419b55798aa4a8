// A configuration of any bytes, accounts included: refused with reasons, each one line, or settings that come
// back as they were printed.
#include <cstdint>
#include <string>
#include <utility>

#include "conf/load.hpp"
#include "conf/print.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;

namespace {

void check(conf::Settings settings) {
  require(settings.tftp.max_block_size >= 8 && settings.tftp.max_window >= 1, "limits are in their ranges");
  for (const auto& user : settings.ssh.users) {
    require(!user.name.empty() && user.name.size() <= 32, "a user has a name");
    require(user.root.starts_with('/') && user.root.find("/../") == std::string::npos, "and a root");
    require(!user.password_hash.empty() || !user.authorized_keys.empty(), "and a way in");
  }
  settings.ssh.users.clear();  // their secrets are not printed
  const auto printed = conf::to_yaml(settings);
  require(conf::to_yaml(conf::load_text(printed, "printed").settings) == printed, "it comes back whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  conf::Loaded loaded;
  try {
    loaded = conf::load_text({reinterpret_cast<const char*>(data), size}, "it");
  } catch (const conf::ConfigError& refused) {
    require(!refused.mistakes().empty(), "a refusal has a reason");
    for (const auto& mistake : refused.mistakes())
      require(mistake.starts_with("it") && mistake.find('\n') == std::string::npos, "each is one line");
    return 0;
  }
  check(std::move(loaded.settings));
  return 0;
}
