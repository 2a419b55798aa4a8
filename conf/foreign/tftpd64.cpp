#include <fmt/format.h>

#include <array>
#include <map>

#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"
#include "conf/load.hpp"
#include "storage/files/path_text.hpp"

namespace conf::foreign {
namespace {

struct Entry {
  Place place;
  std::string value;
};
// Of the section [TFTPD32], by the lower-case name.
using Entries = std::map<std::string, Entry>;

constexpr std::string_view section = "[tftpd32]";

// A key without an equivalent, and the remark about it where it is set to anything but 0.
struct Other {
  std::string_view key, why;
};
constexpr std::array others{
    Other{"timeout", "apdepot measures each client's round trip and resends by that"},
    Other{"maxretransmit", "apdepot gives a silent client up by time, not by count"},
    Other{"winsize", "the window is negotiated with each client (windowsize, RFC 7440): tftp.max_window"},
    Other{"pxecompatibility", "it has no equivalent"},
    Other{"dirtext", "no dir.txt is written; `apdepot releases` lists what is served"},
    Other{"md5", "no .md5 files are written; `apdepot verify` checks what is served"},
    Other{"multicastport", "apdepot never sends by multicast"},
    Other{"multicastaddress", "apdepot never sends by multicast"},
    Other{"support for port option", "it has no equivalent"},
    Other{"ignore ack for last tftp packet", "apdepot waits for the last acknowledgement for a while"},
    Other{"reduce path", "lookup.forgiving finds an image under a path of another server"},
    Other{"tftplogfile", "a path of Windows; log.target: file:PATH writes the log into a file"},
    Other{"savesyslogfile", "apdepot is no syslog server"},
    Other{"pipesyslogmsg", "apdepot is no syslog server"},
};

Entries entries_of(std::string_view text) {
  Entries entries;
  bool inside = false;
  for (const auto& [number, line] : lines_of(text)) {
    if (line.starts_with('[')) {
      inside = lower(line) == section;
      continue;
    }
    const auto set = assignment(line);
    if (inside && set && !line.starts_with(';'))
      entries.insert_or_assign(lower(set->key), Entry{{"", number}, std::string(set->value)});
  }
  return entries;
}

void read_services(const Entry& entry, Draft& draft) {
  const auto services = draft.number(entry.place, "Services", entry.value, 0, 255).value_or(0);
  if ((services & 1) == 0) draft.tell(entry.place, "Services: its TFTP server is switched off");
  constexpr std::array names{std::pair{4, "DHCP"}, std::pair{8, "syslog"}, std::pair{16, "SNTP"},
                             std::pair{32, "DNS"}};
  for (const auto& [bit, name] : names)
    if ((services & static_cast<unsigned>(bit)) != 0)
      draft.tell(entry.place,
                 fmt::format("Services: apdepot is no {} server: if yours is used, it must stay", name));
}

void read_security(const Entry& entry, Draft& draft) {
  if (entry.value == "3") return;  // read only
  draft.uploads_allowed(entry.place, fmt::format("SecurityLevel {}", entry.value));
}

void read(std::string_view text, const std::string&, Draft& draft) {
  const auto entries = entries_of(text);
  const auto find = [&](const char* key) {
    const auto found = entries.find(key);
    return found == entries.end() ? Entry{} : found->second;
  };
  auto& tftp = draft.settings.tftp;
  const auto address = find("localip"), port = find("tftpport");
  const bool four = find("enable ipv4").value != "0", six = find("enable ipv6").value != "0";
  tftp.listen.clear();
  draft.listen(address.value.empty() ? port.place : address.place, "LocalIP", address.value,
               port.value.empty() ? "69" : port.value,
               four == six ? Draft::Families::both
               : four      ? Draft::Families::ipv4
                           : Draft::Families::ipv6,
               tftp.listen);
  draft.stay_inside_if_nowhere(tftp.listen, 69);
  if (const auto folder = find("basedirectory"); !folder.value.empty()) {
    draft.tell(folder.place,
               fmt::format("BaseDirectory {}: copy what lies there to {}/images/; bundles go into {}/drop/",
                           folder.value, storage::utf8_of(draft.settings.depot),
                           storage::utf8_of(draft.settings.depot)));
  }
  const auto low = find("lowestudpport"), high = find("highestudpport");
  if (!low.value.empty() && low.value != "0") draft.ports(low.place, "LowestUDPPort", low.value, high.value);
  const auto most = find("max simultaneous transfers");
  if (!most.value.empty()) {
    if (const auto number = draft.number(most.place, "Max Simultaneous Transfers", most.value, 1, 1'000'000))
      tftp.max_transfers = static_cast<std::uint32_t>(*number);
  }
  if (find("negociate").value == "0") {
    tftp.max_block_size = 512;
    tftp.max_window = 1;
    draft.tell(find("negociate").place,
               "Negociate=0: apdepot answers options, but with 512 bytes and one block");
  }
  auto security = find("securitylevel");
  if (security.value.empty()) security.value = "1";  // as the program's own default
  read_security(security, draft);
  if (const auto services = find("services"); !services.value.empty()) read_services(services, draft);
  for (const auto& [key, why] : others) {
    const auto entry = find(std::string(key).c_str());
    if (!entry.value.empty() && entry.value != "0")
      draft.tell(entry.place, fmt::format("{} {}: {}", key, entry.value, why));
  }
  draft.serve_only_tftp();
}

int likeness(std::string_view text) {
  int count = 0;
  for (const auto& line : lines_of(text))
    if (lower(line.text) == section) count += 100;
  return count;
}

}  // namespace

const Reader tftpd64{"TFTPD-64", "tftpd*.ini", likeness, read};

}  // namespace conf::foreign
