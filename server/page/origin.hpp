#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.hpp"

namespace server {

// Who a browser believes to talk to, and whose page asks. Pure; all texts are a client's.

// A header Host without its port and brackets, in lower case; empty for one that cannot be.
std::string host_name_of(std::string_view host);
// Whether a request for that host is meant for this server: an address, localhost, or one of `names`. Any
// other name may have been made to lead here by a stranger's name server (DNS rebinding).
bool is_own_host(std::string_view host, const std::vector<std::string>& names);

// Whether the page of `scheme`://`host` asks. `origin` and `fetch_site` are the headers Origin and
// Sec-Fetch-Site, empty where there is none: a browser sends one of them with each change.
bool is_own_origin(std::string_view scheme, std::string_view host, std::string_view origin,
                   std::string_view fetch_site);

// What the cookie of a session is called: only what came over TLS may set the first.
constexpr const char* session_cookie(bool secure) { return secure ? "__Host-apdepot" : "apdepot"; }

// The value of one cookie in a header Cookie; empty where it is not there.
std::string cookie_of(std::string_view header, std::string_view name);

}  // namespace server
