#include "conf/foreign/translation.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "conf/config_error.hpp"
#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"
#include "storage/files/path_text.hpp"

namespace conf::foreign {
namespace {

constexpr std::array readers{&tftpd_hpa, &atftpd, &dnsmasq, &sshd, &tftpd64, &map_file};

void refuse_other_charsets(std::string_view text, const std::string& name) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    throw ConfigError(fmt::format("{}: it is written in UTF-16: save it as UTF-8", name));
  if (text.find('\0') != text.npos) throw ConfigError(fmt::format("{}: it is not a text file", name));
}

// The name decides between two that are as likely.
const Reader* likeliest(std::string_view text, const std::string& name) {
  const auto file = lower(storage::utf8_of(storage::path_of(name).filename()));
  const Reader* best = nullptr;
  int most = 0;
  for (const auto* reader : readers) {
    int likeness = 2 * reader->likeness(text);
    if (likeness > 0 && fits(reader->usual_name, file)) ++likeness;
    if (likeness <= most) continue;
    most = likeness;
    best = reader;
  }
  return best;
}

}  // namespace

Translation translate(std::string_view text, const std::string& name, const Host& host) {
  refuse_other_charsets(text, name);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto* reader = likeliest(text, name);
  if (!reader)
    throw ConfigError(
        fmt::format("{}: this is none of the files that can be read: /etc/default/tftpd-hpa or another file "
                    "with in.tftpd's "
                    "options, its map file, dnsmasq.conf, /etc/default/atftpd, sshd_config, tftpd32.ini",
                    name));
  Draft draft(std::string(reader->program), host);
  reader->read(text, name, draft);
  return draft.finish();
}

}  // namespace conf::foreign
