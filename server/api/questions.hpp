#pragma once
#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"

namespace server {

// GET /explain, /controller-lines and /config: what commands print, from the server that runs. Workers
// answer. Lives on the loop.
class QuestionsApi {
 public:
  QuestionsApi(const ApiSources& sources, Desk& desk) : sources_(sources), desk_(desk) {}
  void offer(http::Router& router);

 private:
  void explain(const http::Request& request, http::Respond respond);
  void lines(const http::Request& request, http::Respond respond);
  void config(const http::Request& request, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
};

}  // namespace server
