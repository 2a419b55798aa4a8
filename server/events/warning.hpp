#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace server {

// What a warning is about, so that a script, a counter or an alert need not read its sentence. The names that
// `warning_name` gives are part of the JSON log, the journal's fields and the metrics (docs/formats.md).
enum class Warning : std::uint8_t {
  addresses,       // one that is served from now on, or is not served
  broken_off,      // work of the server that ended by an error that nobody expected
  certificate,     // which one HTTPS has, or that it has none or an old one
  configuration,   // a doubtful key, or one that waits for the next start
  confinement,     // rights that the server does not need and could not give up
  control_socket,  // `apdepot status` cannot ask this server
  drop_folder,     // what is put into drop/ is not imported for now
  history,         // what state/history.db does not have, or is damaged
  host_keys,       // SFTP is not served: there are none
  images,          // files that nobody can fetch, or changes that are not seen
  imported,        // what is doubtful about a release that was published
  log,             // events that the log does not have
  logins,          // accounts that are refused because of others' failures
  metrics,         // an address where they are not served
  page,            // an address where it is not served, or its first administrator
  ports,           // all of tftp.port_range are in use
  ssh_resources,   // no descriptors or memory for a connection
  staging,         // what a killed import left is not removed
  tftp_resources,  // no descriptors or memory for a request
  unreadable,      // a file that TFTP serves
  unwritable,      // an upload over TFTP
  users            // a mistake in the users file
};
constexpr std::size_t warning_kinds = 22;

std::string_view warning_name(Warning kind);  // "control_socket"

}  // namespace server
