#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/tftp/packet.hpp"

namespace server::probe {

// Why a device would not get a file.
enum class Cause : std::uint8_t {
  no_address,  // the name of the server is unknown
  no_route,    // this host does not know how to reach it
  timed_out,
  refused,  // nothing listens there
  half_way,
  wrong_source,
  options,
  fragments,
  wrap,
  not_found,
  is_folder,
  access,
  error,  // the server's, of any other kind
  stalled,
  too_short,
  empty,
  different,
  not_an_image,
  algorithms,  // from here on SSH's
  host_key,
  login,
  no_sftp,
  tls,     // from here on HTTP's
  status,  // another than 200: Report::status
};
std::string_view cause_name(Cause cause);  // "TIMED_OUT"
// The cause in a server's own words, for codes that say too little; Cause::error for words that say nothing.
Cause cause_in_words(std::string_view text);

// One more try with other options, to find out what fails.
struct Trial {
  std::vector<tftp::Option> options;  // that were asked for
  std::string result;                 // escaped: "works", "ERROR 8: ..."
  bool works = false;
};

// What a probe found. Texts are escaped.
struct Report {
  std::string url;
  std::optional<Cause> cause;  // nothing: a device gets the file
  std::string what;            // happened, in a sentence

  std::string server, from;              // the address asked, and the one that answered, with their ports
  std::string host;                      // the address alone
  std::optional<double> answered_after;  // seconds
  std::vector<tftp::Option> asked, given;
  std::optional<std::uint64_t> announced;  // the file's size, as the server told it
  std::uint64_t bytes = 0, resent = 0;
  double seconds = 0;
  std::string sha256, content;
  std::optional<std::string> recorded_as;  // the path below which an import recorded the same file; raw
  std::vector<std::string> notes;          // what could not be confirmed
  std::vector<Trial> trials;
  bool over_tcp = false;
  unsigned status = 0;      // over HTTP, of an answer that is no file
  std::string fingerprint;  // of an SSH server's host key
  std::string nearest;      // what this host's depot says of the path, where it has not got it
};

// Hears how far a probe is.
using Progress = std::function<void(std::uint64_t done, std::optional<std::uint64_t> total)>;

// "tsize 0, blksize 1428"; "no options" for none. Escaped.
std::string text_of(const std::vector<tftp::Option>& options);
// Lines for a person, each with its line's end.
std::string text_of(const Report& report);
std::string json_of(const Report& report);

}  // namespace server::probe
