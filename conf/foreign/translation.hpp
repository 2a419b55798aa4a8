#pragma once
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/settings.hpp"

// The configurations of the programs that apdepot replaces, read as what apdepot.yaml says in their place.
namespace conf::foreign {

// A line of a file that was read: of the one to translate, whose `file` is empty, or of one that it names.
// Line 0 is the whole of it.
struct Place {
  std::string file;
  int line = 0;
};

// What differs with apdepot, has no equivalent, or is left to do. Words of the file stand in it as they are:
// whoever prints it escapes them.
struct Remark {
  Place place;
  std::string text;
};

// What the settings of another program come to.
struct Translation {
  std::string program;  // "tftpd-hpa", as a person calls it
  Settings settings;    // the defaults, with what the file decides
  std::vector<Remark> remarks;
};

// What a translation may look at besides its file: tftpd-hpa's map file, sshd's included files, the users of
// the host and their keys. Both may be called on any thread, and only while translate() runs.
struct Host {
  // The text of a file, or why there is none.
  std::function<std::expected<std::string, std::string>(const std::string& file)> read;
  // The files that a pattern with "*" and "?" in its last component names, sorted.
  std::function<std::vector<std::string>(const std::string& pattern)> matching;
};

// Finds out whose configuration `text` is, by what stands in it and by the name of its file, and translates
// it: tftpd-hpa's options (/etc/default/tftpd-hpa, a systemd unit, inetd's and xinetd's lines) and map file,
// dnsmasq.conf, atftpd's options, sshd_config and tftpd32.ini of TFTPD-64. Throws ConfigError for any other
// file, and for one that serves no files at all.
Translation translate(std::string_view text, const std::string& name, const Host& host);

}  // namespace conf::foreign
