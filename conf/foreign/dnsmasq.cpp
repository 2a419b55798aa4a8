#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "conf/config_error.hpp"
#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

// Some that stand in nearly every dnsmasq.conf, beside those of TFTP, to know it by.
constexpr std::array<std::string_view, 24> usual{
    "domain-needed", "bogus-priv", "no-resolv",      "no-hosts",        "server",     "local",
    "address",       "interface",  "listen-address", "dhcp-range",      "dhcp-host",  "dhcp-boot",
    "dhcp-option",   "domain",     "expand-hosts",   "conf-dir",        "log-dhcp",   "log-queries",
    "cache-size",    "no-poll",    "pxe-service",    "bind-interfaces", "dhcp-match", "port"};

bool is_tftp(std::string_view key) { return key == "enable-tftp" || key.starts_with("tftp-"); }

// The interfaces that a value names after its first part are left to the network's own rules.
std::string_view first_part(std::string_view value) { return trimmed(value.substr(0, value.find(','))); }

class Translator {
 public:
  explicit Translator(Draft& draft) : draft_(draft) {}

  void take(const Place& place, std::string_view key, std::string_view value) {
    auto& tftp = draft_.settings.tftp;
    if (key == "enable-tftp") {
      enabled_ = true;
      if (!value.empty()) interfaces(place, key, value);
    } else if (key == "tftp-root") {
      folder(place, value);
    } else if (key == "tftp-port-range") {
      const auto range = parts(value, ',');
      draft_.ports(place, key, range.empty() ? "" : range.front(), range.size() < 2 ? "" : range[1]);
    } else if (key == "tftp-single-port") {
      tftp.single_port = true;
      draft_.tell(place,
                  fmt::format("{}: name your networks in tftp.allow as well, because anybody who can forge "
                              "an address can have data sent there",
                              key));
    } else if (key == "tftp-max") {
      if (const auto most = draft_.number(place, key, value, 1, 1'000'000)) {
        tftp.max_transfers = static_cast<std::uint32_t>(*most);
        tftp.max_transfers_per_address = std::min(tftp.max_transfers_per_address, tftp.max_transfers);
      }
    } else if (key == "tftp-mtu") {
      if (const auto mtu = draft_.number(place, key, value, 540, 65492))
        tftp.max_block_size = static_cast<std::uint16_t>(*mtu - 32);  // IP, UDP and TFTP
    } else if (key == "tftp-no-blocksize") {
      tftp.max_block_size = 512;
    } else if (key == "tftp-secure") {
      draft_.tell(place, fmt::format("{}: apdepot serves every file below images/ that its user may read, "
                                     "whoever owns it",
                                     key));
    } else if (key == "tftp-unique-root") {
      draft_.tell(place,
                  fmt::format("{}: all devices see the same files; nothing here gives a device a folder "
                              "of its own",
                              key));
    } else if (key == "tftp-lowercase") {
      draft_.tell(place, fmt::format("{}: lookup.forgiving finds a name in any case", key));
    } else if (key == "tftp-no-fail") {
      draft_.tell(place, fmt::format("{}: apdepot makes its depot, or does not start", key));
    } else if (key == "listen-address") {
      for (const auto& address : parts(value, ','))
        draft_.listen(place, key, address, "69", Draft::Families::both, listen_);
      addresses_ = true;
    } else if (key == "interface" || key == "except-interface" || key == "no-dhcp-interface") {
      if (key != "no-dhcp-interface") interfaces(place, key, value);
    } else if (key == "conf-file" || key == "conf-dir") {
      draft_.tell(
          place,
          fmt::format("{} {} is not read: run `apdepot config from` on what lies there as well", key, value));
    } else if (is_tftp(key)) {
      draft_.tell(place, fmt::format("{} is not known here, and left out", key));
    } else {
      ++others_;
    }
  }

  void finish(const std::string& name) {
    if (!enabled_)
      throw ConfigError(fmt::format("{}: dnsmasq serves no TFTP by it: enable-tftp is not there", name));
    if (addresses_) {
      draft_.settings.tftp.listen = listen_;
      draft_.stay_inside_if_nowhere(draft_.settings.tftp.listen, 69);
    }
    draft_.settings.log.level = LogLevel::normal;
    if (others_ > 0)
      draft_.tell({},
                  fmt::format("{} other settings are for DHCP, DNS and the like: dnsmasq goes on with them; "
                              "take enable-tftp out there, so that UDP 69 is free",
                              others_));
    draft_.serve_only_tftp();
  }

 private:
  void interfaces(const Place& place, std::string_view key, std::string_view value) {
    draft_.tell(place,
                fmt::format("{} {}: apdepot listens on addresses, not on interfaces: write those of this "
                            "interface into tftp.listen, or its networks into tftp.allow",
                            key, value));
  }

  void folder(const Place& place, std::string_view value) {
    const auto root = first_part(value);
    draft_.folder(place, "tftp-root", root);
    // A path that begins with the root is the same file there.
    if (root.starts_with('/') && root != "/") draft_.alias(place, root, "/");
    if (root.size() != value.size())
      draft_.tell(place,
                  fmt::format("tftp-root {}: it is for some interfaces only there, and for all here", value));
  }

  Draft& draft_;
  std::vector<Endpoint> listen_;
  bool enabled_ = false, addresses_ = false;
  int others_ = 0;
};

// "key=value" or "key", without a comment after it.
Assignment setting(std::string_view line) {
  const auto comment = line.find(" #");
  line = trimmed(line.substr(0, comment));
  const auto set = assignment(line);
  return set.value_or(Assignment{line, {}});
}

void read(std::string_view text, const std::string& name, Draft& draft) {
  Translator translator(draft);
  for (const auto& [number, line] : lines_of(text)) {
    if (line.starts_with('#')) continue;
    const auto [key, value] = setting(line);
    translator.take({"", number}, lower(key), value);
  }
  translator.finish(name);
}

int likeness(std::string_view text) {
  int count = 0;
  for (const auto& line : lines_of(text)) {
    auto words = line.text;
    while (words.starts_with('#')) words.remove_prefix(1);
    const auto key = setting(words).key;
    if (is_tftp(key)) count += 2;
    if (std::ranges::find(usual, key) != usual.end()) ++count;
  }
  return count;
}

}  // namespace

const Reader dnsmasq{"dnsmasq", "dnsmasq*", likeness, read};

}  // namespace conf::foreign
