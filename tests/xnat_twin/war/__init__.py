"""The practice XNAT as a WAR: a servlet that runs the Python server under Tomcat, and the program that packs it."""
