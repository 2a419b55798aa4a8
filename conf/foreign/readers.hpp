#pragma once
#include <string>
#include <string_view>

#include "conf/foreign/draft.hpp"

// One reader for each program. `read` fills the draft; `likeness` counts the lines of a text that only this
// program would have, so that the best reader is found.
namespace conf::foreign {

// One of them.
struct Reader {
  std::string_view program;
  std::string_view usual_name;  // of its file, a pattern
  int (*likeness)(std::string_view text);
  void (*read)(std::string_view text, const std::string& name, Draft& draft);
};

extern const Reader tftpd_hpa, map_file, dnsmasq, atftpd, sshd, tftpd64;

}  // namespace conf::foreign
