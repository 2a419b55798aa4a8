#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/certificates/certificate.hpp"
#include "server/doctor/result.hpp"

namespace server::doctor {

// The page, and the certificate that it shares with images over HTTPS.
struct PageReading {
  std::vector<conf::Endpoint> wanted;              // web.listen
  std::optional<std::vector<std::string>> served;  // URLs, of a server that answers
  bool tls = false;                                // page or images are served over TLS
  std::optional<Certificate> certificate;          // nothing: the server makes one when it needs it
  bool renewed = false;                            // by the server, before it ends
  std::string trouble;                             // why the certificate cannot be used
  bool may_read = true;                            // whether who asks may read what the server may
  bool has_admin = false;                          // somebody may change things on the page
};

// Pure.
Result judge_page(const PageReading& reading, std::chrono::system_clock::time_point now);

}  // namespace server::doctor
