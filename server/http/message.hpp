#pragma once
#include <string>

namespace server::http {

// What a client may do, by how it came in.
enum class Role { none, viewer, admin };

// A request, as far as an answer depends on it. All texts are the client's: hostile.
struct Request {
  std::string method;  // "GET"
  std::string path;    // "/api/v1/status"
  std::string query;   // what stands behind the path's "?", as it came
  std::string accept;  // the header of that name
  Role role = Role::none;
};

// What is answered.
struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
};

// An error as RFC 9457 has it: what failed, why, and what to do next.
Reply problem(unsigned status, const std::string& title, const std::string& detail,
              const std::string& fix = {});

}  // namespace server::http
