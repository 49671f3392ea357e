# Runs `program` and compares what it prints with the file `expected`.
if(NOT EXISTS ${expected})
  message(FATAL_ERROR "${expected} is missing: a recipe needs the output that it must print")
endif()
execute_process(COMMAND ${program} OUTPUT_VARIABLE got ERROR_VARIABLE complaints RESULT_VARIABLE code)
file(READ ${expected} want)
if(NOT code EQUAL 0 OR NOT got STREQUAL want)
  message(FATAL_ERROR "${program} (exit ${code})\n--- expected\n${want}--- got\n${got}--- on standard error\n${complaints}")
endif()
